/** Gives up on what takes too long: aborts it, and waits for it no more. */

import type { Clock } from "./clock.ts";
import { abortable } from "./abortable.ts";

export class Patience {
  readonly #clock: Clock;
  readonly #end: AbortSignal;
  readonly #giveUp = new AbortController();

  /** @param end aborts it, too. */
  constructor(clock: Clock, end: AbortSignal) {
    this.#clock = clock;
    this.#end = end;
  }

  /** Aborts with what is waited for: pass it to whatever can be aborted. */
  get signal(): AbortSignal {
    return this.#giveUp.signal;
  }

  /** @throws (besides what `promise` throws) an Error after `ms`, or the reason of the signal that ends it. */
  async within<T>(ms: number, promise: Promise<T>): Promise<T> {
    const end = (): void => this.#giveUp.abort(this.#end.reason);
    const forget = this.#clock.after(ms, () =>
      this.#giveUp.abort(new Error(`nothing came for ${ms / 1000} s`)),
    );
    this.#end.addEventListener("abort", end, { once: true });
    if (this.#end.aborted) end();
    try {
      // Not every runtime ends a body that is being read when its signal aborts.
      return await abortable(promise, this.#giveUp.signal);
    } finally {
      forget();
      this.#end.removeEventListener("abort", end);
    }
  }

  /** Nobody waits any more. */
  giveUp(): void {
    this.#giveUp.abort();
  }
}
