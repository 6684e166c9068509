/** Says what went wrong with transcripts: one line for all of one moment, never a flood. */

import type { Logger } from "@logtape/logtape";
import { messageOf } from "../errors.ts";
import type { Failure, Synced } from "../sync/engine.ts";
import type { Clock } from "../watch/ports.ts";

/** What happens within this time (ms) is said together. */
const MOMENT_MS = 500;

export class Troubles {
  readonly #log: Logger;
  readonly #clock: Clock;
  #failures: Failure[] = [];
  #malformed: Synced[] = [];
  /** Transcripts whose malformed lines were told: that there are more of them is in the session's row. */
  readonly #toldMalformed = new Set<string>();
  #cancel: (() => void) | null = null;

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
    this.#log.warning(count === 1 ? text : `${text}; and ${count - 1} more transcripts like it`);
  }

  #saySoon(): void {
    this.#cancel ??= this.#clock.after(MOMENT_MS, () => this.flush());
  }
}

function malformedText({ path, malformedLines }: Synced): string {
  const lines = malformedLines === 1 ? "1 malformed line" : `${malformedLines} malformed lines`;
  return `skipped ${lines} in ${JSON.stringify(path)}`;
}
