import { beforeEach, describe, expect, test } from "bun:test";
import type { ConnectionEvent } from "../../src/client/connection-event.ts";
import { afterEnding, Retries } from "../../src/client/retries.ts";
import { ServerFailure } from "../../src/client/server-failure.ts";
import { WatchError } from "../../src/errors.ts";
import { FakeClock, settled } from "../support/clock.ts";

describe("afterEnding()", () => {
  const bad = { wasGood: false, askedMs: null };

  test("doubles the wait from 100 ms to 10 s, plus or minus a fifth", () => {
    const waits: number[] = [];
    for (let failures = 0; failures < 9; failures += 1) waits.push(afterEnding(failures, bad, 0.5).waitMs);
    expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
    expect([afterEnding(0, bad, 0).waitMs, afterEnding(0, bad, 1).waitMs]).toEqual([80, 120]);
  });

  test("starts again after a useful connection", () => {
    expect(afterEnding(7, bad, 0).failures).toBe(8);
    expect(afterEnding(7, { wasGood: true, askedMs: null }, 0.5)).toEqual({ failures: 1, waitMs: 100 });
  });

  test("waits at least as long as the server asks for, up to a minute", () => {
    const waits = [0, 3000, 60_000, 1e9].map(
      (askedMs) => afterEnding(5, { wasGood: false, askedMs }, 0).waitMs,
    );
    expect(waits).toEqual([100, 3000, 60_000, 60_000]);
    expect(afterEnding(0, { wasGood: true, askedMs: 3000 }, 1).waitMs).toBe(3600);
  });
});

describe("Retries", () => {
  let clock: FakeClock;
  let reports: ConnectionEvent[];
  let stopping: AbortController;
  const broken = new ServerFailure("cannot reach http://h: broken", "broken");
  const ending = { wasGood: false, askedMs: null };
  const refused = new WatchError("server_refused", "no");
  beforeEach(() => {
    clock = new FakeClock();
    reports = [];
    stopping = new AbortController();
  });

  test("gives up after maxRetries failures in a row; short ones are not reported as lost", async () => {
    const retries = retriesOf(2);
    const outcomes: string[] = [];
    const trying = (async () => {
      for (;;) {
        await retries.after(broken, ending);
        outcomes.push("again");
      }
    })().catch((error: Error) => outcomes.push(error.message));
    await clock.advance(1000);
    await trying;
    expect(outcomes).toEqual(["again", "again", broken.message]);
    retries.end();
    expect([reports, clock.pending]).toEqual([[], 0]);
  });

  test("never tries again with maxRetries 0", async () => {
    await expect(retriesOf(0).after(broken, { wasGood: true, askedMs: null })).rejects.toBe(broken);
  });

  test("treats other errors than a failed connection as final", async () => {
    await expect(retriesOf(5).after(refused, ending)).rejects.toBe(refused);
  });

  test("treats an absent server as final until one was reached", async () => {
    const absent = new ServerFailure("cannot reach http://h: refused", "refused", { isAbsent: true });
    await expect(retriesOf(5).after(absent, ending)).rejects.toBe(absent);
    const retries = retriesOf(5);
    retries.connected();
    const waiting = retries.after(absent, ending);
    await clock.advance(120);
    await waiting;
  });

  test("waits as long as a busy server asks for, and reports it after 5 s", async () => {
    const busy = new ServerFailure("http://h answered 503", "answered 503", { retryAfterMs: 7000 });
    let isOver = false;
    const waiting = retriesOf(5)
      .after(busy, ending)
      .then(() => {
        isOver = true;
      });
    await clock.advance(6999);
    expect([isOver, reports]).toEqual([
      false,
      [{ kind: "lost", origin: "http://h", forMs: 5000, reason: "answered 503" }],
    ]);
    await clock.advance(2000);
    await waiting;
  });

  test("ends with the signal's reason, during a wait and before one", async () => {
    const retries = retriesOf(5);
    const waiting = retries.after(broken, ending);
    await settled();
    stopping.abort("stop");
    await expect(waiting).rejects.toBe("stop");
    await expect(retries.after(refused, ending)).rejects.toBe("stop");
    retries.end();
    expect(clock.pending).toBe(0);
  });

  function retriesOf(maxRetries: number): Retries {
    const onConnection = (event: ConnectionEvent): void => {
      if (event.kind !== "retrying") reports.push(event);
    };
    return new Retries("http://h", { maxRetries, signal: stopping.signal, clock, onConnection });
  }
});
