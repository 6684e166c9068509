/** Tries to sync transcripts; what fails is told once, tried again later and later, and blocks nothing else. */

import { messageOf } from "../errors.ts";
import { backoffMs } from "../watch/backoff.ts";
import type { Clock } from "../watch/ports.ts";
import type { TranscriptFile } from "./catalog.ts";
import type { Failure, SyncEngine } from "./engine.ts";

/** Longest wait (ms) before something that has failed is tried again by itself. */
const MAX_WAIT_MS = 300_000;

interface Attempt {
  message: string;
  failures: number;
  dueMs: number;
}

export interface AttemptsOptions {
  /** How long (ms) to wait after the first failure; each further one doubles it, up to 5 min. */
  firstWaitMs: number;
  /** What has failed and is news: not again the same, nor what another has failed with already. */
  onFailure: (failure: Failure) => void;
}

export class Attempts {
  readonly #engine: SyncEngine;
  readonly #clock: Clock;
  readonly #options: AttemptsOptions;
  readonly #failing = new Map<string, Attempt>();
  #stopped = false;

  constructor(engine: SyncEngine, clock: Clock, options: AttemptsOptions) {
    this.#engine = engine;
    this.#clock = clock;
    this.#options = options;
  }

  /** @returns whether the archive has changed. */
  async sync(file: TranscriptFile): Promise<boolean> {
    if (this.#stopped) return false;
    const { id } = file.place;
    try {
      const changed = await this.#engine.syncFile(file);
      this.succeeded(id);
      // Bun drops a notification that follows another of the same file within 2 ms: look once more when it is quiet.
      if (changed) void this.sync(file);
      return changed;
    } catch (error) {
      this.failed({ id, path: file.path, error });
      return false;
    }
  }

  /** @param key a session's id, or the path of what has failed as a whole. */
  isDue(key: string): boolean {
    const attempt = this.#failing.get(key);
    return attempt === undefined || this.#clock.now() >= attempt.dueMs;
  }

  succeeded(key: string): void {
    this.#failing.delete(key);
  }

  failed(failure: Failure): void {
    if (this.#stopped) return;
    const { id, path, error } = failure;
    const key = id ?? path;
    const message = messageOf(error);
    const isNews = ![...this.#failing.values()].some((attempt) => attempt.message === message);
    const failures = (this.#failing.get(key)?.failures ?? 0) + 1;
    const waitMs = backoffMs(failures, { firstMs: this.#options.firstWaitMs, maxMs: MAX_WAIT_MS });
    this.#failing.set(key, { message, failures, dueMs: this.#clock.now() + waitMs });
    if (isNews) this.#options.onFailure(failure);
  }

  stop(): void {
    this.#stopped = true;
  }
}
