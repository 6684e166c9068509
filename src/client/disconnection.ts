/** Reports a connection that is away for a while, and its return: one event each. */

import type { Clock } from "../async/clock.ts";
import type { ConnectionEvent } from "./connection-event.ts";

/** Shorter disconnections (ms) are not reported. */
const REPORT_AFTER_MS = 5000;

export class Disconnection {
  readonly #origin: string;
  readonly #clock: Clock;
  readonly #report: (event: ConnectionEvent) => void;
  #reason = "";
  #isReported = false;
  #cancel: (() => void) | null = null;

  constructor(origin: string, clock: Clock, report: (event: ConnectionEvent) => void) {
    this.#origin = origin;
    this.#clock = clock;
    this.#report = report;
  }

  /** There is no connection, or still none. The report gives the latest reason. */
  goesOn(reason: string): void {
    this.#reason = reason;
    this.#cancel ??= this.#clock.after(REPORT_AFTER_MS, () => {
      this.#isReported = true;
      this.#report({
        kind: "lost",
        origin: this.#origin,
        forMs: REPORT_AFTER_MS,
        reason: this.#reason,
      });
    });
  }

  /** There is a connection. */
  isOver(): void {
    if (this.#isReported) this.#report({ kind: "restored", origin: this.#origin });
    this.end();
  }

  /** Reports nothing more of this disconnection. */
  end(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#isReported = false;
  }
}
