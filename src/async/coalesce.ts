/** Runs the same job for a burst of hints: at once after a quiet time, and at most once per spacing. */

import type { Clock } from "./clock.ts";

interface Lane<T> {
  isRunning: boolean;
  /** Resolves when the current run and the spacing after it are over. */
  rested: Promise<void>;
  /** The run after the current one; all calls until then share it. */
  next: Promise<T> | null;
}

/** How a coalescer rests after a run that took long. */
export interface RestAfterWork {
  /** Rest for this many times as long as the run took. */
  perWork: number;
  /** Longest rest (ms). */
  maxMs: number;
}

export class Coalescer<T> {
  readonly #clock: Clock;
  readonly #spacingMs: number;
  readonly #afterWork: RestAfterWork;
  readonly #isWork: (outcome: T) => boolean;
  readonly #lanes = new Map<string, Lane<T>>();

  /**
   * @param spacingMs from the start of one run to the start of the next with the same key.
   * @param isWork whether a run found something to do. No spacing follows a run that did not, so that a poll without
   * a result never delays the change after it.
   * @param afterWork for runs whose cost grows with what they work on.
   */
  constructor(
    clock: Clock,
    spacingMs: number,
    isWork: (outcome: T) => boolean = always,
    afterWork: RestAfterWork = { perWork: 0, maxMs: 0 },
  ) {
    this.#clock = clock;
    this.#spacingMs = spacingMs;
    this.#isWork = isWork;
    this.#afterWork = afterWork;
  }

  /** Keys with a run that is in progress or requested. */
  get busy(): number {
    return [...this.#lanes.values()].filter(({ isRunning, next }) => isRunning || next !== null).length;
  }

  /** @returns the outcome of a run that starts after this call, and so sees every change made before the call. */
  run(key: string, job: () => Promise<T>): Promise<T> {
    const lane = this.#lanes.get(key);
    if (lane === undefined) return this.#start(key, job);
    lane.next ??= lane.rested.then(() => this.#start(key, job));
    return lane.next;
  }

  #start(key: string, job: () => Promise<T>): Promise<T> {
    const startedMs = this.#clock.now();
    const run = job();
    const lane: Lane<T> = { isRunning: true, rested: Promise.resolve(), next: null };
    const rest = (wasWork: boolean): Promise<void> | undefined => {
      lane.isRunning = false;
      return wasWork ? this.#rest(startedMs) : undefined;
    };
    // The caller handles the outcome; the lane only needs to know when the run is over.
    lane.rested = run.then(
      (outcome) => rest(this.#isWork(outcome)),
      () => rest(true),
    );
    this.#lanes.set(key, lane);
    void lane.rested.then(() => {
      if (lane.next === null) this.#lanes.delete(key);
    });
    return run;
  }

  async #rest(startedMs: number): Promise<void> {
    const nowMs = this.#clock.now();
    const { perWork, maxMs } = this.#afterWork;
    const restMs = Math.max(
      startedMs + this.#spacingMs - nowMs,
      Math.min((nowMs - startedMs) * perWork, maxMs),
    );
    if (restMs > 0) await new Promise<void>((resolve) => void this.#clock.after(restMs, resolve));
  }
}

function always(): true {
  return true;
}
