/** Says what went wrong with transcripts: one line for all that goes wrong in a row, never a flood. */

import type { Logger } from "@logtape/logtape";
import { messageOf } from "../../errors.ts";
import type { Failure } from "../../sync/engine.ts";
import type { Synced } from "../../sync/sync-runner.ts";
import type { Clock } from "../../async/clock.ts";

/** It is said when nothing more has gone wrong for so long (ms), or when the first of it has waited for so long. */
const QUIET_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/** Collects what went wrong, and logs it in one go; `flush()` it before the program ends. */
export class Troubles {
  readonly #log: Logger;
  readonly #clock: Clock;
  #failures: Failure[] = [];
  #malformed: Synced[] = [];
  /** Transcripts whose malformed lines were told: that there are more of them is in the session's row. */
  readonly #toldMalformed = new Set<string>();
  #cancel: (() => void) | null = null;
  /** When the first of what is to be said may wait no longer. */
  #latestMs: number | null = null;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  failed(failure: Failure): void {
    this.#failures.push(failure);
    this.#saySoon();
  }

  synced(synced: Synced): void {
    if (synced.malformedLines === 0 || this.#toldMalformed.has(synced.id)) return;
    this.#toldMalformed.add(synced.id);
    this.#malformed.push(synced);
    this.#saySoon();
  }

  /** Says now what there is to say. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#latestMs = null;
    const failures = this.#failures;
    const malformed = this.#malformed;
    this.#failures = [];
    this.#malformed = [];
    const [failure] = failures;
    if (failure !== undefined) this.#say(messageOf(failure.error), failures.length);
    for (const { error } of failures.slice(1)) this.#log.debug(messageOf(error), { error });
    const [first] = malformed;
    if (first !== undefined) this.#say(malformedText(first), malformed.length);
    for (const synced of malformed.slice(1)) this.#log.debug(malformedText(synced));
  }

  #say(text: string, count: number): void {
    this.#log.warning(count === 1 ? text : `${text}; and ${count - 1} more like it`);
  }

  #saySoon(): void {
    const nowMs = this.#clock.now();
    this.#latestMs ??= nowMs + LONGEST_WAIT_MS;
    this.#cancel?.();
    this.#cancel = this.#clock.after(Math.min(QUIET_MS, this.#latestMs - nowMs), () => this.flush());
  }
}

function malformedText({ path, malformedLines }: Synced): string {
  return `skipped ${countMalformed(malformedLines)} in ${JSON.stringify(path)}`;
}

/** @param lines how many. */
export function countMalformed(lines: number): string {
  return lines === 1 ? "1 malformed line" : `${lines} malformed lines`;
}
