/** Gives up on operations that hang, as on a dead network mount, and leaves what hangs alone until it answers. */

import type { Clock } from "./clock.ts";
import { within } from "./deadline.ts";

/** After a success, operations run in parallel for this long (ms). */
const TRUST_MS = 50;

export interface GuardOptions<T> {
  /** How long (ms) the operation may take. */
  deadlineMs: number;
  /** Called with a result that came after the deadline. */
  takeLate?: (result: T) => void;
}

/**
 * A hanging operation blocks one of the runtime's threads until it returns, and there are few: Bun has one per core. So
 * after a pause one operation tests the disk while all others wait, and while one hangs, all others fail at once.
 */
export class HangGuard {
  readonly #clock: Clock;
  readonly #hangs: () => Error;
  #answeredMs = -Infinity;
  /** Resolves when the operation that goes ahead is answered or given up on. */
  #vanguard: Promise<unknown> | null = null;
  /** Operations that were given up on and have not come back. */
  readonly #hanging = new Set<Promise<unknown>>();

  /** @param hangs makes the error for what takes too long. */
  constructor(clock: Clock, hangs: () => Error) {
    this.#clock = clock;
    this.#hangs = hangs;
  }

  get isHanging(): boolean {
    return this.#hanging.size > 0;
  }

  /** Resolves when all that hangs has come back. */
  async released(): Promise<void> {
    await Promise.allSettled(this.#hanging);
  }

  /** @throws the guard's error when it takes too long, or something hangs already; what `operation` throws. */
  async run<T>(operation: () => Promise<T>, options: GuardOptions<T>): Promise<T> {
    while (this.#vanguard !== null && !this.#isTrusted()) await this.#vanguard;
    if (this.isHanging) throw this.#hangs();
    if (this.#isTrusted()) return await this.#timed(operation, options);
    const running = this.#timed(operation, options);
    this.#vanguard = Promise.allSettled([running]);
    try {
      return await running;
    } finally {
      this.#vanguard = null;
    }
  }

  async #timed<T>(operation: () => Promise<T>, options: GuardOptions<T>): Promise<T> {
    const { deadlineMs, takeLate = ignore } = options;
    const running = operation();
    try {
      return await within(running, deadlineMs, this.#clock, () => {
        this.#hanging.add(running);
        const back = (): void => void this.#hanging.delete(running);
        running.then(takeLate).then(back, back);
        return this.#hangs();
      });
    } finally {
      if (!this.#hanging.has(running)) this.#answeredMs = this.#clock.now();
    }
  }

  #isTrusted(): boolean {
    return !this.isHanging && this.#clock.now() - this.#answeredMs < TRUST_MS;
  }
}

function ignore(): void {}
