/** Says when there is no connection for a while, and when there is one again: one line each. */

import type { Clock } from "../async/clock.ts";

/** A shorter one (ms) is not worth telling. */
const TOLD_AFTER_MS = 5000;

export interface DisconnectionLog {
  warning(text: string): void;
  info(text: string): void;
}

export class Disconnection {
  readonly #origin: string;
  readonly #clock: Clock;
  readonly #log: DisconnectionLog;
  #reason = "";
  #isTold = false;
  #forget: (() => void) | null = null;

  constructor(origin: string, clock: Clock, log: DisconnectionLog) {
    this.#origin = origin;
    this.#clock = clock;
    this.#log = log;
  }

  /** There is no connection, or still none; the last reason counts. */
  goesOn(reason: string): void {
    this.#reason = reason;
    this.#forget ??= this.#clock.after(TOLD_AFTER_MS, () => {
      this.#isTold = true;
      this.#log.warning(
        `no connection to ${this.#origin} for ${TOLD_AFTER_MS / 1000} s (${this.#reason}), still trying`,
      );
    });
  }

  /** There is a connection. */
  isOver(): void {
    if (this.#isTold) this.#log.info(`connected to ${this.#origin} again`);
    this.end();
  }

  /** Nobody wants to know any more. */
  end(): void {
    this.#forget?.();
    this.#forget = null;
    this.#isTold = false;
  }
}
