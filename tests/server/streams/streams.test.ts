import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { CloseReason } from "../../../src/server/stream-observer.ts";
import { oneAsLines, oneAsSse } from "../../../src/server/streams/formats.ts";
import { Streams } from "../../../src/server/streams/streams.ts";
import type { Mailbox } from "../../../src/watch/mailbox.ts";
import { Subscription } from "../../../src/watch/subscription.ts";
import { FakeClock, settled } from "../../support/clock.ts";
import { delivered, updated } from "../../support/deliveries.ts";

const OPENING = ": ok\nretry: 3000\nid: v0\nevent: heartbeat\ndata: 2026-01-01T00:00:00Z\n\n";

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

describe("Streams", () => {
  let clock: FakeClock;
  let streams: Streams;
  let mailbox: Mailbox;
  let left: number;
  let cuts: number;
  let reasons: CloseReason[];
  let told: unknown[];

  beforeEach(() => {
    clock = new FakeClock();
    left = 0;
    cuts = 0;
    reasons = [];
    told = [];
    streams = new Streams(clock, 30_000, {
      onOpen: (kind) => told.push(["open", kind]),
      onClose: (kind, reason, openMs) => {
        reasons.push(reason);
        told.push(["close", kind, reason, openMs]);
      },
      onSent: (kind, lagMs) => told.push(["sent", kind, lagMs]),
    });
  });
  afterEach(() => streams.closeAll());

  function open(signal?: AbortSignal, format = oneAsSse("id")): ReadableStreamDefaultReader<Uint8Array> {
    const subscription = new Subscription(signal, (given) => {
      mailbox = given;
      return { ready: Promise.resolve(null), leave: () => (left += 1) };
    });
    const { body } = streams.respond({
      source: subscription,
      format,
      opening: format.opening("v0", Date.UTC(2026, 0, 1)),
      cut: () => (cuts += 1),
      onClose: () => undefined,
    });
    if (body === null) throw new Error("no body");
    return body.getReader();
  }

  async function read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
    const { value } = await reader.read();
    return value === undefined ? "(end)" : text(value);
  }

  test("begin at once, with the reconnect delay", async () => {
    expect(await read(open())).toBe(OPENING);
  });

  test("send a comment after 15 s of silence, and a heartbeat after 30 s", async () => {
    const reader = open();
    await read(reader);
    const silence: string[] = [];
    for (let beats = 0; beats < 4; beats += 1) {
      const next = read(reader);
      // Not a second early, and complete a second later.
      await clock.advance(14_000);
      expect(await Promise.race([next, "nothing"])).toBe("nothing");
      await clock.advance(1000);
      silence.push((await next).split("\n")[0] ?? "");
    }
    expect(silence).toEqual([":", "event: heartbeat", ":", "event: heartbeat"]);
  });

  test("send a sign of life after the machine's clock was set back", async () => {
    const reader = open();
    await read(reader);
    clock.set(-3_600_000);
    const next = read(reader);
    await clock.advance(15_000);
    expect(await next).toStartWith(":");
  });

  test("send a heartbeat after 15 s of silence where there are no comments", async () => {
    const reader = open(undefined, oneAsLines());
    await read(reader);
    for (let beats = 0; beats < 3; beats += 1) {
      const next = read(reader);
      await clock.advance(14_000);
      expect(await Promise.race([next, "nothing"])).toBe("nothing");
      await clock.advance(1000);
      expect(await Promise.race([next, "nothing"])).toStartWith('{"event":"heartbeat",');
    }
  });

  test("hold only the newest state of a session for a client that does not read", async () => {
    const reader = open();
    for (let version = 1; version <= 1000; version += 1)
      mailbox.put(delivered(updated("abc", `v${version}`)));
    await clock.advance(29_000);
    expect(await read(reader)).toBe(OPENING);
    expect(await read(reader)).toStartWith("id: v1000\n");
  });

  test("close the connection of a client that reads nothing for 30 s, and no other", async () => {
    const stalled = open();
    const slow = open();
    const slowMailbox = mailbox;
    const quiet = open();
    await read(slow);
    await read(quiet);
    for (let seconds = 0; seconds < 60; seconds += 20) {
      await clock.advance(20_000);
      slowMailbox.put(delivered(updated("abc")));
      await read(slow);
      await read(quiet);
    }
    expect([cuts, streams.size, left, reasons]).toEqual([1, 2, 1, ["stalled"]]);
    await expect(stalled.read()).rejects.toThrow("the client has stopped reading");
  });

  test("leave no timer and no subscription behind when the client disconnects", async () => {
    const reader = open();
    await read(reader);
    await reader.cancel();
    expect([streams.size, left, clock.pending, reasons]).toEqual([0, 1, 0, ["client"]]);
  });

  test("end when their subscription does", async () => {
    const controller = new AbortController();
    const reader = open(controller.signal);
    await read(reader);
    controller.abort();
    expect([await read(reader), streams.size, clock.pending]).toEqual(["(end)", 0, 0]);
  });

  test("report to their observer the lag of each event, and how long they were open", async () => {
    const reader = open();
    await read(reader);
    const before = clock.now() - 1;
    mailbox.put({ ...delivered(updated("abc")), noticedMs: before });
    await read(reader);
    const noticedMs = clock.now();
    clock.pass(7);
    mailbox.put({ ...delivered(updated("abc")), noticedMs });
    await read(reader);
    await clock.advance(93);
    await reader.cancel();
    // What the client had missed before it connected has no lag.
    expect(told).toEqual([
      ["open", "session"],
      ["sent", "session", 7],
      ["close", "session", "client", 100],
    ]);
  });

  test("end together, with a farewell", async () => {
    const readers = [open(), open()];
    for (const reader of readers) await read(reader);
    streams.closeAll();
    for (const reader of readers) {
      expect(await read(reader)).toMatch(/^: the server is stopping\nretry: \d{4}\n\n$/);
      expect(await read(reader)).toBe("(end)");
    }
    await settled();
    expect([streams.size, left, clock.pending]).toEqual([0, 2, 0]);
  });

  test("that open too late get their farewell at once", async () => {
    streams.closeAll();
    const reader = open();
    expect(await read(reader)).toStartWith(": ok\n");
    expect(await read(reader)).toStartWith(": the server is stopping\n");
    expect([await read(reader), streams.size, left, clock.pending]).toEqual(["(end)", 0, 1, 0]);
  });
});
