/** Repeats a check after a signal that may come too early, for as long as no newer signal comes. */

import type { Clock } from "./clock.ts";

export class Echo {
  readonly #clock: Clock;
  readonly #delaysMs: readonly number[];
  readonly #check: () => void;
  #cancel = (): void => undefined;

  /** @param delaysMs from one check to the next; the first check is made at once. */
  constructor(clock: Clock, delaysMs: readonly number[], check: () => void) {
    this.#clock = clock;
    this.#delaysMs = delaysMs;
    this.#check = check;
  }

  /** Checks now, and again after each delay; an earlier series ends. */
  start(): void {
    this.#run(0);
  }

  stop(): void {
    this.#cancel();
  }

  #run(index: number): void {
    this.#cancel();
    this.#check();
    const delayMs = this.#delaysMs[index];
    if (delayMs !== undefined) this.#cancel = this.#clock.after(delayMs, () => this.#run(index + 1));
  }
}
