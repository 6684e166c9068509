/** Time that moves only when a test says so, or in which no time passes. */

import { systemClock } from "../../src/runtime/clock.ts";
import { READ_MS } from "../../src/sync/reading/guarded-files.ts";
import type { Clock } from "../../src/async/clock.ts";

export class FakeClock implements Clock {
  #nowMs = Date.UTC(2026, 0, 1);
  #wrongMs = 0;
  readonly #timers = new Set<{ atMs: number; run: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  date(): number {
    return this.#nowMs + this.#wrongMs;
  }

  /** Somebody sets the machine's clock. */
  set(byMs: number): void {
    this.#wrongMs += byMs;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that are waiting. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves on, runs what is due in its order, and lets every promise that this settles go on. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.run();
      await settled();
    }
    this.#nowMs = Math.max(this.#nowMs, endMs);
    await settled();
  }

  /** Time passes while something else is at work; no timer runs. */
  pass(ms: number): void {
    this.#nowMs += ms;
  }
}

/** A clock on which short waiting is over at once, for tests in which time plays no part; deadlines are none. */
export const hurriedClock: Clock = {
  now: () => Date.now(),
  date: () => Date.now(),
  after(ms, run) {
    if (ms >= READ_MS) return systemClock.after(ms, run);
    const immediate = setImmediate(run);
    return () => clearImmediate(immediate);
  },
};

/** Deadlines are of `clock`; all shorter waiting is over at once. */
export function deadlinesOf(clock: FakeClock): Clock {
  return {
    now: () => clock.now(),
    date: () => clock.date(),
    after: (ms, run) => (ms >= READ_MS ? clock.after(ms, run) : hurriedClock.after(ms, run)),
  };
}

/** Lets promises and file system callbacks that are under way finish. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
