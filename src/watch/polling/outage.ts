/** Since when an archive cannot be read, whether that is worth telling, and when to try again. */

import { messageOf } from "../../errors.ts";
import { backoffMs } from "../../async/backoff.ts";
import type { StatusEvent } from "../../session/events.ts";

/** An archive that could not be read for so long (ms) is called degraded: a commit or a rename is shorter. */
const DEGRADED_AFTER_MS = 1000;
/** First wait (ms) before the next try; doubles up to the poll interval. */
const FIRST_RETRY_MS = 50;

export class Outage {
  readonly #maxRetryMs: number;
  #sinceMs: number | null = null;
  #tries = 0;
  #told: StatusEvent | null = null;

  constructor(maxRetryMs: number) {
    this.#maxRetryMs = maxRetryMs;
  }

  /**
   * @param askedMs when the archive was asked: it may have taken its time to fail.
   * @returns what subscribers should be told of this failure, if anything.
   */
  note(error: unknown, askedMs: number, nowMs: number): StatusEvent | null {
    this.#sinceMs ??= askedMs;
    this.#tries += 1;
    if (this.#told !== null || nowMs - this.#sinceMs < DEGRADED_AFTER_MS) return null;
    this.#told = { event: "degraded", data: messageOf(error) };
    return this.#told;
  }

  /** @returns what subscribers should be told of the end, if they were told of the outage. */
  end(): StatusEvent | null {
    const told = this.#told;
    this.#sinceMs = null;
    this.#tries = 0;
    this.#told = null;
    return told === null ? null : { event: "recovered", data: "the archive can be read again" };
  }

  /** What subscribers were told; null while the archive can be read. */
  get told(): StatusEvent | null {
    return this.#told;
  }

  /** The wait (ms) before the next try; null while the archive can be read. */
  get retryMs(): number | null {
    return this.#sinceMs === null
      ? null
      : backoffMs(this.#tries, { firstMs: FIRST_RETRY_MS, maxMs: this.#maxRetryMs });
  }
}
