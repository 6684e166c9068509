/** Logs problems with transcripts: one line for a burst of them, never a flood. */

import type { Logger } from "@logtape/logtape";
import type { Reporter } from "../../app/reporter.ts";
import type { Clock } from "../../async/clock.ts";
import { messageOf } from "../../errors.ts";
import type { Failure } from "../../sync/sources/source.ts";
import type { Synced } from "../../sync/sources/sync-runner.ts";

/** A burst ends after this time (ms) without another problem, or when its first problem has waited this long. */
const QUIET_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/** Collects problems and logs each burst as one line; call `flush()` before the program ends. */
export class ProblemLog implements Reporter {
  readonly #log: Logger;
  readonly #clock: Clock;
  #failures: Failure[] = [];
  #malformed: Synced[] = [];
  /** Sessions whose malformed lines are logged; the session's row counts later ones. */
  readonly #loggedMalformed = new Set<string>();
  #cancel: (() => void) | null = null;
  /** When the current burst is logged at the latest. */
  #latestMs: number | null = null;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  warn(message: string): void {
    this.#log.warning(message);
  }

  failed(failure: Failure): void {
    this.#failures.push(failure);
    this.#flushSoon();
  }

  synced(synced: Synced): void {
    if (synced.malformedLines === 0 || this.#loggedMalformed.has(synced.id)) return;
    this.#loggedMalformed.add(synced.id);
    this.#malformed.push(synced);
    this.#flushSoon();
  }

  /** Logs the current burst now. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#latestMs = null;
    const failures = this.#failures;
    const malformed = this.#malformed;
    this.#failures = [];
    this.#malformed = [];
    const [failure] = failures;
    if (failure !== undefined) this.#warn(messageOf(failure.error), failures.length);
    for (const { error } of failures.slice(1)) this.#log.debug(messageOf(error), { error });
    const [first] = malformed;
    if (first !== undefined) this.#warn(malformedText(first), malformed.length);
    for (const synced of malformed.slice(1)) this.#log.debug(malformedText(synced));
  }

  #warn(text: string, count: number): void {
    this.#log.warning(count === 1 ? text : `${text}; and ${count - 1} more like it`);
  }

  #flushSoon(): void {
    const nowMs = this.#clock.now();
    this.#latestMs ??= nowMs + LONGEST_WAIT_MS;
    this.#cancel?.();
    this.#cancel = this.#clock.after(Math.min(QUIET_MS, this.#latestMs - nowMs), () => this.flush());
  }
}

function malformedText({ path, malformedLines }: Synced): string {
  return `skipped ${countMalformed(malformedLines)} in ${JSON.stringify(path)}`;
}

/** `1 malformed line`, `2 malformed lines`. */
export function countMalformed(lines: number): string {
  return lines === 1 ? "1 malformed line" : `${lines} malformed lines`;
}
