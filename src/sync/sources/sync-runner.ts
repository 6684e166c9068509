/** Runs syncs: one at a time for each session, spaced by 20 ms, and notifies listeners of commits. */

import type { Clock } from "../../async/clock.ts";
import { Coalescer } from "../../async/coalesce.ts";
import type { SessionId } from "../../session/session.ts";
import type { SyncFigures } from "../../watch/ports.ts";

/** Changes (ms) of one session that follow each other faster are synced together. */
const COALESCE_MS = 20;
/** Rewriting a long session takes long: a session that changes all the time takes a tenth of the time. */
const REST_AFTER_REWRITE = { perWork: 9, maxMs: 2000 };

/** A commit. */
export interface Synced {
  id: SessionId;
  path: string;
  /** New lines that could not be read. */
  malformedLines: number;
  /** How long (ms) it took. */
  tookMs: number;
}

export class SyncRunner {
  readonly #coalescer: Coalescer<boolean>;
  readonly #rewrites: Coalescer<boolean>;
  readonly #listeners = new Set<(synced: Synced) => void>();
  #failures = 0;

  constructor(clock: Clock) {
    this.#coalescer = new Coalescer(clock, COALESCE_MS, (changed) => changed);
    this.#rewrites = new Coalescer(clock, COALESCE_MS, (changed) => changed, REST_AFTER_REWRITE);
  }

  /** The backlog counts requested syncs; followers count what they have found and not requested yet. */
  get figures(): SyncFigures {
    return { failures: this.#failures, backlog: this.#coalescer.busy + this.#rewrites.busy };
  }

  /** Calls `listener` after each commit. */
  onSynced(listener: (synced: Synced) => void): void {
    this.#listeners.add(listener);
  }

  report(synced: Synced): void {
    for (const listener of this.#listeners) listener(synced);
  }

  /** @returns what `job` returns. @throws what it throws. */
  run(key: string, job: () => Promise<boolean>): Promise<boolean> {
    return this.#coalescer.run(key, () => this.#counted(job));
  }

  /** For a job that writes whole sessions. @returns what `job` returns. @throws what it throws. */
  rewrite(key: string, job: () => Promise<boolean>): Promise<boolean> {
    return this.#rewrites.run(key, () => this.#counted(job));
  }

  async #counted(job: () => Promise<boolean>): Promise<boolean> {
    try {
      return await job();
    } catch (error) {
      this.#failures += 1;
      throw error;
    }
  }
}
