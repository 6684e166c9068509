import { expect, test } from "bun:test";
import { EventStream, eventOf } from "../../src/client/event-stream.ts";

const TEXT =
  ": ok\nretry: 3000\nid: cursor\n\nid: 1\nevent: x\ndata: é😀\n\n:\n\nevent: y\ndata: two\ndata: lines\n\ndata: broken off";

test("EventStream yields the same messages, wherever its bytes are cut", async () => {
  const bytes = new TextEncoder().encode(TEXT);
  for (let at = 0; at <= bytes.length; at += 1) {
    const stream = new EventStream(pieces(bytes.subarray(0, at), bytes.subarray(at)));
    expect(await all(stream)).toEqual([
      { id: "1", event: "x", data: "é😀" },
      { event: "y", data: "two\nlines" },
    ]);
    expect([stream.retryMs, stream.hasBrought]).toEqual([3000, true]);
  }
});

test("EventStream.hasBrought is false before the first event", async () => {
  const stream = new EventStream(pieces(new TextEncoder().encode(": ok\nretry: nonsense\nid: cursor\n\n")));
  expect([await all(stream), stream.retryMs, stream.hasBrought]).toEqual([[], null, false]);
});

test("EventStream yields the opening heartbeat for its id, but followers need not see it", async () => {
  const opening = ": ok\nretry: 3000\nid: e.7\nevent: heartbeat\ndata: 2026-01-01T00:00:00Z\n\n";
  const stream = new EventStream(pieces(new TextEncoder().encode(opening)));
  const message = { id: "e.7", event: "heartbeat", data: "2026-01-01T00:00:00Z" };
  expect([await all(stream), stream.hasBrought]).toEqual([[message], false]);
  expect(eventOf(message)).toBe(null);
  const { id: _, ...later } = message;
  expect(eventOf({ ...later, id: undefined })).toEqual({
    event: "heartbeat",
    data: "2026-01-01T00:00:00Z",
  });
});

test("EventStream refuses an endless event", async () => {
  const stream = new EventStream(endless());
  await expect(all(stream)).rejects.toThrow("max");
});

async function* pieces(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield new TextEncoder().encode("data: for ever and ever ");
}

async function all(stream: EventStream): Promise<object[]> {
  const messages: object[] = [];
  for await (const { id, event, data } of stream)
    messages.push({ ...(id === undefined ? {} : { id }), ...(event === undefined ? {} : { event }), data });
  return messages;
}
