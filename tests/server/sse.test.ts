import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { frameOf, Streams } from "../../src/server/sse.ts";
import { eventFor } from "../../src/watch/session.ts";
import type { Update } from "../../src/watch/session.ts";
import { Subscription } from "../../src/watch/subscription.ts";
import type { Mailbox } from "../../src/watch/mailbox.ts";
import { HOSTILE_IDS } from "../contract/store.ts";
import { FakeClock, settled } from "../support/clock.ts";

function updated(id: string, version = "v"): Update {
  return eventFor(id, { version, messageCount: 1, sourceToken: null }, Date.UTC(2026, 0, 1));
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

describe("frameOf()", () => {
  test("writes the frames of the contract, byte for byte", () => {
    expect(text(frameOf(updated("abc", "v1"), "id"))).toBe("id: v1\nevent: session_updated\ndata: abc\n\n");
    expect(text(frameOf(updated("abc", "v1"), "json"))).toBe(
      'id: v1\nevent: session_updated\ndata: {"event":"session_updated","data":"abc","version":"v1","message_count":1,"at":"2026-01-01T00:00:00.000Z"}\n\n',
    );
    expect(text(frameOf(eventFor("abc", null, 0), "id"))).toBe(
      "id: deleted\nevent: session_deleted\ndata: abc\n\n",
    );
    expect(text(frameOf({ event: "degraded", data: "why" }, "id"))).toBe("event: degraded\ndata: why\n\n");
    for (const form of ["id", "json"] as const) {
      const beat = { event: "heartbeat", data: "2026-01-01T00:00:00Z" } as const;
      expect(text(frameOf(beat, form))).toBe("event: heartbeat\ndata: 2026-01-01T00:00:00Z\n\n");
    }
  });

  test("lets no id break a frame", () => {
    for (const id of HOSTILE_IDS) {
      const frame = text(frameOf(updated(id), "id"));
      // By the rules of the standard: any of the three line ends ends a line.
      const lines = frame.split(/\r\n|\r|\n/);
      expect(lines.slice(-2)).toEqual(["", ""]);
      expect(lines.slice(0, -2).every((line) => /^(id: v$|event: session_updated$|data: )/.test(line))).toBe(
        true,
      );
      const data = lines
        .filter((line) => line.startsWith("data: "))
        .map((line) => line.slice("data: ".length));
      expect(data.join("\n")).toBe(id.replaceAll(/\r\n|\r/g, "\n"));
      expect(text(frameOf(updated(id), "json")).split("\n").length).toBe(5);
    }
  });

  test("encodes an update once for all who get it", () => {
    const update = updated("abc");
    expect(frameOf(update, "id")).toBe(frameOf(update, "id"));
    expect(frameOf(update, "json")).toBe(frameOf(update, "json"));
  });
});

describe("Streams", () => {
  let clock: FakeClock;
  let streams: Streams;
  let mailbox: Mailbox;
  let left: number;
  let cuts: number;

  beforeEach(() => {
    clock = new FakeClock();
    streams = new Streams(clock, 30_000);
    left = 0;
    cuts = 0;
  });
  afterEach(() => streams.closeAll());

  function open(signal?: AbortSignal): ReadableStreamDefaultReader<Uint8Array> {
    const subscription = new Subscription(signal, (given) => {
      mailbox = given;
      return { ready: Promise.resolve(null), leave: () => (left += 1) };
    });
    const { body } = streams.respond(subscription, "id", () => (cuts += 1));
    if (body === null) throw new Error("no body");
    return body.getReader();
  }

  async function read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
    const { value } = await reader.read();
    return value === undefined ? "(end)" : text(value);
  }

  test("begin at once, with how long to wait before coming back", async () => {
    expect(await read(open())).toBe(": ok\nretry: 3000\n\n");
  });

  test("send a comment after 15 s of silence, and a heartbeat after 30 s", async () => {
    const reader = open();
    await read(reader);
    const silence: string[] = [];
    for (let beats = 0; beats < 4; beats += 1) {
      const next = read(reader);
      // Nothing a second too early, and all of it a second later.
      await clock.advance(14_000);
      expect(await Promise.race([next, "nothing"])).toBe("nothing");
      await clock.advance(1000);
      silence.push((await next).split("\n")[0] ?? "");
    }
    expect(silence).toEqual([":", "event: heartbeat", ":", "event: heartbeat"]);
  });

  test("hold nothing for a client that does not read but the newest state of its session", async () => {
    const reader = open();
    for (let version = 1; version <= 1000; version += 1) mailbox.put(updated("abc", `v${version}`));
    await clock.advance(29_000);
    expect(await read(reader)).toBe(": ok\nretry: 3000\n\n");
    expect(await read(reader)).toStartWith("id: v1000\n");
  });

  test("close the connection of a client that has taken nothing for 30 s, and of no other", async () => {
    const stalled = open();
    const slow = open();
    const slowMailbox = mailbox;
    const quiet = open();
    await read(slow);
    await read(quiet);
    for (let seconds = 0; seconds < 60; seconds += 20) {
      await clock.advance(20_000);
      slowMailbox.put(updated("abc"));
      await read(slow);
      await read(quiet);
    }
    expect([cuts, streams.size, left]).toEqual([1, 2, 1]);
    await expect(stalled.read()).rejects.toThrow("the client has stopped reading");
  });

  test("leave no timer and no subscription behind when the client has gone", async () => {
    const reader = open();
    await read(reader);
    await reader.cancel();
    expect([streams.size, left, clock.pending]).toEqual([0, 1, 0]);
  });

  test("end when their subscription does", async () => {
    const controller = new AbortController();
    const reader = open(controller.signal);
    await read(reader);
    controller.abort();
    expect([await read(reader), streams.size, clock.pending]).toEqual(["(end)", 0, 0]);
  });

  test("end together, with a last word", async () => {
    const readers = [open(), open()];
    for (const reader of readers) await read(reader);
    streams.closeAll();
    for (const reader of readers) {
      expect(await read(reader)).toBe(": the server is stopping\n\n");
      expect(await read(reader)).toBe("(end)");
    }
    await settled();
    expect([streams.size, left, clock.pending]).toEqual([0, 2, 0]);
  });
});
