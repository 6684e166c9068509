/** Decides after each failed connection whether and when to try again. */

import { pause } from "../async/abortable.ts";
import { backoffMs } from "../async/backoff.ts";
import type { Clock } from "../async/clock.ts";
import type { ConnectionEvent } from "./connection-event.ts";
import { Disconnection } from "./disconnection.ts";
import { ServerFailure } from "./server-failure.ts";

/** The default number of failures in a row before a client gives up. */
export const MAX_RETRIES = 20;

const BACKOFF = { firstMs: 100, maxMs: 10_000 };
/** The longest wait (ms) that a server can ask for. */
const MAX_ASKED_MS = 60_000;

/** How a connection, or the attempt to make one, ended. */
export interface Ending {
  /** It was useful, so earlier failures do not count any more. */
  wasGood: boolean;
  /** How long (ms) the server asks its clients to wait; null if it does not. */
  askedMs: number | null;
}

/**
 * @param failures in a row before this one.
 * @param chance from 0 to 1: spreads the clients of one server.
 * @returns the failures in a row now, and the wait in ms: at least what the server asks for, else the usual backoff,
 * plus or minus a fifth.
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
  onConnection: (event: ConnectionEvent) => void;
}

export class Retries {
  readonly #origin: string;
  readonly #options: RetriesOptions;
  readonly #disconnection: Disconnection;
  #failures = 0;
  #wasReached = false;

  constructor(origin: string, options: RetriesOptions) {
    this.#origin = origin;
    this.#options = options;
    this.#disconnection = new Disconnection(origin, options.clock, options.onConnection);
    this.#disconnection.goesOn("no answer yet");
  }

  /** Calls `ask` until it succeeds. @returns its result. @throws as `after` does. */
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
   * @param error why the connection ended; a wait that it names takes precedence over that of `ending`.
   * @throws `error` if another attempt cannot help, or there were too many; the signal's reason when that aborts.
   */
  async after(error: unknown, ending: Ending): Promise<void> {
    const { maxRetries, clock, onConnection, signal } = this.#options;
    signal.throwIfAborted();
    if (!(error instanceof ServerFailure)) throw error;
    // Nothing has ever answered there: the address is wrong.
    if (error.isAbsent && !this.#wasReached) throw error;
    this.#wasReached = true;
    const askedMs = error.retryAfterMs ?? ending.askedMs;
    const { failures, waitMs } = afterEnding(this.#failures, { ...ending, askedMs }, Math.random());
    this.#failures = failures;
    if (failures > maxRetries) throw error;
    this.#disconnection.goesOn(error.reason);
    onConnection({ kind: "retrying", origin: this.#origin, failure: error, waitMs });
    await pause(waitMs, clock, signal);
  }

  /** No more attempts follow. */
  end(): void {
    this.#disconnection.end();
  }
}
