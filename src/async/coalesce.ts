/** Runs a job per key: at once when it is quiet, and at most once per spacing when it is not. */

import type { Clock } from "./clock.ts";

interface Lane<T> {
  isRunning: boolean;
  /** Settles when the present run is over and the spacing with it. */
  rested: Promise<void>;
  /** The run after the present one; everyone who asks meanwhile shares it. */
  next: Promise<T> | null;
}

export class Coalescer<T> {
  readonly #clock: Clock;
  readonly #spacingMs: number;
  readonly #isWork: (outcome: T) => boolean;
  readonly #lanes = new Map<string, Lane<T>>();

  /**
   * @param spacingMs from the start of one run to the start of the next with the same key.
   * @param isWork whether a run had anything to do; one that had not is followed by no spacing, so that a look in
   * vain, as the poll takes it, never delays the change that comes after it.
   */
  constructor(clock: Clock, spacingMs: number, isWork: (outcome: T) => boolean = always) {
    this.#clock = clock;
    this.#spacingMs = spacingMs;
    this.#isWork = isWork;
  }

  /** How many keys have a run that is under way or wanted. */
  get busy(): number {
    return [...this.#lanes.values()].filter(({ isRunning, next }) => isRunning || next !== null).length;
  }

  /** @returns the outcome of a run that starts after this call, so that it sees all that was there before. */
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
    // The outcome is the caller's to handle; here only its end matters.
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
    const restMs = startedMs + this.#spacingMs - this.#clock.now();
    if (restMs > 0) await new Promise<void>((resolve) => void this.#clock.after(restMs, resolve));
  }
}

function always(): true {
  return true;
}
