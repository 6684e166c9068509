/** Stops waiting for what takes too long. */

import { abortable } from "./abortable.ts";
import type { Clock } from "./clock.ts";

/** Decides what happens when time is up: an error ends the wait, a number extends it by that many ms. */
export type Expiry = () => Error | number;

/**
 * Waits for `promise`, which goes on when time is up; its outcome is then ignored.
 *
 * @param ms how long it may take.
 * @returns what `promise` resolves to.
 * @throws what `promise` rejects with; the error that `expiry` returns.
 */
export async function within<T>(promise: Promise<T>, ms: number, clock: Clock, expiry: Expiry): Promise<T> {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  let cancel = clock.after(ms, expire);
  function expire(): void {
    const verdict = expiry();
    if (typeof verdict === "number") cancel = clock.after(verdict, expire);
    else reject(verdict);
  }
  try {
    return await Promise.race([promise, expired]);
  } finally {
    cancel();
  }
}

/**
 * Bounds each of several waits for one thing that can be aborted, such as a request and the parts of its answer: the
 * first wait that takes too long aborts it.
 */
export class Deadline {
  readonly #clock: Clock;
  readonly #end: AbortSignal | undefined;
  readonly #abort = new AbortController();

  /** @param end aborts it as well, while something is waited for. */
  constructor(clock: Clock, end?: AbortSignal) {
    this.#clock = clock;
    this.#end = end;
  }

  /** Pass this to whatever can be aborted. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /**
   * @param ms how long this wait may take.
   * @throws what `promise` rejects with; the error that `expiry` returns; the reason of the signal that ends it.
   */
  async within<T>(ms: number, promise: Promise<T>, expiry: Expiry): Promise<T> {
    const end = (): void => this.#abort.abort(this.#end?.reason);
    const giveUp: Expiry = () => {
      const verdict = expiry();
      if (typeof verdict !== "number") this.#abort.abort(verdict);
      return verdict;
    };
    this.#end?.addEventListener("abort", end, { once: true });
    if (this.#end?.aborted === true) end();
    try {
      // Not every runtime ends a body that is being read when its signal aborts.
      return await within(abortable(promise, this.#abort.signal), ms, this.#clock, giveUp);
    } finally {
      this.#end?.removeEventListener("abort", end);
    }
  }

  /** Aborts at once: the result is not needed any more. */
  cancel(): void {
    this.#abort.abort();
  }
}
