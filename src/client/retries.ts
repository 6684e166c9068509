/** What happens after a connection has ended: when it is tried again, and when that is given up. */

import type { Logger } from "@logtape/logtape";
import { backoffMs } from "../async/backoff.ts";
import type { Clock } from "../async/clock.ts";
import { pause } from "../async/abortable.ts";
import { Disconnection } from "./disconnection.ts";
import { ServerFailure } from "./failures.ts";

const BACKOFF = { firstMs: 100, maxMs: 10_000 };
/** The longest wait (ms) that a server can ask for. */
const MAX_ASKED_MS = 60_000;

/** How a connection, or the attempt to make one, has ended. */
export interface Ending {
  /** It was of use: failures before it mean nothing any more. */
  wasGood: boolean;
  /** How long (ms) the server asks to be left alone. */
  askedMs: number | null;
}

/**
 * @param failures how many there were in a row.
 * @param chance from 0 to 1: clients of one server must not all come back at once.
 * @returns how many there are now, and how long (ms) to wait: never less than what the server asks for, else the usual,
 * give or take a fifth.
 */
export function afterEnding(
  failures: number,
  { wasGood, askedMs }: Ending,
  chance: number,
): { failures: number; waitMs: number } {
  const now = wasGood ? 1 : failures + 1;
  const waitMs =
    askedMs === null
      ? backoffMs(now, BACKOFF) * (0.8 + 0.4 * chance)
      : Math.max(BACKOFF.firstMs, Math.min(askedMs, MAX_ASKED_MS)) * (1 + 0.2 * chance);
  return { failures: now, waitMs: Math.round(waitMs) };
}

export interface RetriesOptions {
  /** Failures in a row before giving up. */
  maxRetries: number;
  signal: AbortSignal;
  clock: Clock;
  log: Logger;
}

export class Retries {
  readonly #options: RetriesOptions;
  readonly #disconnection: Disconnection;
  #failures = 0;
  #wasReached = false;

  constructor(origin: string, options: RetriesOptions) {
    this.#options = options;
    this.#disconnection = new Disconnection(origin, options.clock, options.log);
    this.#disconnection.goesOn("no answer yet");
  }

  /** @returns what `ask` gives, once it does. @throws as `after` does. */
  async until<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const answer = await ask();
        this.connected();
        this.#failures = 0;
        return answer;
      } catch (error) {
        await this.after(error, { wasGood: false, askedMs: null });
      }
    }
  }

  connected(): void {
    this.#wasReached = true;
    this.#disconnection.isOver();
  }

  /**
   * Waits until it is time to try again.
   *
   * @param error why the connection has ended; what it says of waiting comes first.
   * @throws it, if there is nothing to be gained by trying again; the signal's reason when that aborts.
   */
  async after(error: unknown, ending: Ending): Promise<void> {
    const { maxRetries, clock, log, signal } = this.#options;
    signal.throwIfAborted();
    if (!(error instanceof ServerFailure)) throw error;
    // Where nobody has ever been, the address is wrong.
    if (error.isAbsent && !this.#wasReached) throw error;
    this.#wasReached = true;
    const askedMs = error.retryAfterMs ?? ending.askedMs;
    const { failures, waitMs } = afterEnding(this.#failures, { ...ending, askedMs }, Math.random());
    this.#failures = failures;
    if (failures > maxRetries) throw error;
    this.#disconnection.goesOn(error.reason);
    log.debug(`${error.message}, retrying in ${(waitMs / 1000).toFixed(1)} s`);
    await pause(waitMs, clock, signal);
  }

  /** Nobody tries any more. */
  end(): void {
    this.#disconnection.end();
  }
}
