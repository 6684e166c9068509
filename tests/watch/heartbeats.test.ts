import { expect, test } from "bun:test";
import { withHeartbeats } from "../../src/watch/heartbeats.ts";
import { FakeClock, settled } from "../support/clock.ts";

/** An iterator that a test feeds by hand. */
class Hand implements AsyncIterator<string, void> {
  readonly #waiting: ((result: IteratorResult<string, void>) => void)[] = [];
  returned = 0;

  next(): Promise<IteratorResult<string, void>> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async return(): Promise<IteratorResult<string, void>> {
    this.returned += 1;
    this.end();
    return { done: true, value: undefined };
  }

  give(value: string): void {
    this.#waiting.shift()?.({ done: false, value });
  }

  end(): void {
    this.#waiting.shift()?.({ done: true, value: undefined });
  }
}

test("withHeartbeats() fills silence, counted anew after each event", async () => {
  const clock = new FakeClock();
  const hand = new Hand();
  const seen: string[] = [];
  const reading = (async () => {
    for await (const event of withHeartbeats(hand, clock, 30_000)) {
      seen.push(typeof event === "string" ? event : `${event.event} ${event.data}`);
    }
  })();
  await settled();
  await clock.advance(29_999);
  expect(seen).toEqual([]);
  await clock.advance(1);
  expect(seen).toEqual(["heartbeat 2026-01-01T00:00:30Z"]);
  await clock.advance(20_000);
  hand.give("update");
  await settled();
  await clock.advance(29_999);
  expect(seen.length).toBe(2);
  await clock.advance(1);
  expect(seen.slice(1)).toEqual(["update", "heartbeat 2026-01-01T00:01:20Z"]);
  hand.end();
  await reading;
  expect(clock.pending).toBe(0);
});

test("withHeartbeats() ends its source when its loop is left", async () => {
  const clock = new FakeClock();
  const hand = new Hand();
  const reading = (async () => {
    for await (const _event of withHeartbeats(hand, clock, 1000)) return;
  })();
  await settled();
  await clock.advance(1000);
  await reading;
  expect([hand.returned, clock.pending]).toEqual([1, 0]);
});
