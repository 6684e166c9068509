import { expect, test } from "bun:test";
import { readJsonText } from "../../../src/server/request/body.ts";
import { FakeClock, settled } from "../../support/clock.ts";

const JSON_TYPE = { "content-type": "application/json" };
const OPTIONS = { maxBytes: 8, maxMs: 1000 };

test("readJsonText() returns the text, however it is split", async () => {
  const clock = new FakeClock();
  expect(await readJsonText(post("{}"), clock)).toBe("{}");
  expect(await readJsonText(post("{}", { "content-type": "Application/JSON ; charset=utf-8" }), clock)).toBe(
    "{}",
  );
  const [first, second] = [new Uint8Array([0x22, 0xc3]), new Uint8Array([0xa4, 0x22])];
  expect(await readJsonText(post(pieces(first, second)), clock, OPTIONS)).toBe('"ä"');
  expect(await readJsonText(post(null), clock)).toBe("");
  expect(clock.pending).toBe(0);
});

test.each(["text/plain", "application/x-www-form-urlencoded", "application/json5", ""])(
  "readJsonText() refuses the type %j, which a page may send without a preflight",
  async (type) => {
    const reading = readJsonText(post("{}", { "content-type": type }), new FakeClock());
    expect(await failure(reading)).toMatchObject({
      status: 415,
      message: "Content-Type: use application/json",
    });
  },
);

test("readJsonText() refuses a body that is too large, announced or not", async () => {
  const clock = new FakeClock();
  const refusal = { status: 413, message: "body: send at most 8 bytes" };
  const announced = post("{}", { ...JSON_TYPE, "content-length": "9" });
  expect(await failure(readJsonText(announced, clock, OPTIONS))).toMatchObject(refusal);
  let cancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(3)),
    cancel: () => void (cancelled = true),
  });
  expect(await failure(readJsonText(post(endless), clock, OPTIONS))).toMatchObject(refusal);
  expect([cancelled, clock.pending]).toEqual([true, 0]);
});

test("readJsonText() gives up on a body that does not end", async () => {
  const clock = new FakeClock();
  const reading = failure(readJsonText(post(new ReadableStream()), clock, OPTIONS));
  await settled();
  await clock.advance(1000);
  expect(await reading).toMatchObject({ status: 408, message: "body: send it within 1 s" });
});

test("readJsonText() answers 400 when the client disconnects", async () => {
  const broken = new ReadableStream({ pull: () => Promise.reject(new Error("connection reset")) });
  expect(await failure(readJsonText(post(broken), new FakeClock()))).toMatchObject({ status: 400 });
});

function post(body: BodyInit | null, headers: Record<string, string> = JSON_TYPE): Request {
  return new Request("http://localhost/", { method: "POST", body, headers });
}

function pieces(...chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

/** @returns what was thrown. */
function failure(reading: Promise<string>): Promise<unknown> {
  return reading.then(
    (text) => new Error(`no failure, but ${text}`),
    (error: unknown) => error,
  );
}
