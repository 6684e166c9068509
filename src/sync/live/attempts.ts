/** Runs syncs. A failed one is reported once, retried with growing delays, and blocks no other. */

import { messageOf } from "../../errors.ts";
import { backoffMs } from "../../async/backoff.ts";
import type { Clock } from "../../async/clock.ts";
import type { Failure, SyncTask } from "../sources/source.ts";

/** Longest wait (ms) before a retry. */
const MAX_WAIT_MS = 300_000;

interface Attempt {
  message: string;
  failures: number;
  failedMs: number;
  dueMs: number;
}

export interface AttemptsOptions {
  /** How long (ms) to wait after the first failure; each further one doubles it, up to 5 min. */
  firstWaitMs: number;
  /** Called with each new failure: not with one that repeats, or that another session reported already. */
  onFailure: (failure: Failure) => void;
}

export class Attempts {
  readonly #clock: Clock;
  readonly #options: AttemptsOptions;
  readonly #failing = new Map<string, Attempt>();
  /** How many are failing with each message. */
  readonly #messages = new Map<string, number>();
  #stopped = false;

  constructor(clock: Clock, options: AttemptsOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** @returns whether the archive has changed. */
  sync(task: SyncTask): Promise<boolean> {
    return this.#attempt(task, () => task.run());
  }

  async #attempt(task: SyncTask, run: () => Promise<boolean>): Promise<boolean> {
    if (this.#stopped) return false;
    try {
      const changed = await run();
      this.succeeded(keyOf(task));
      if (changed) void this.#followUp(task);
      return changed;
    } catch (error) {
      this.failed({ id: task.id, path: task.path, error });
      return false;
    }
  }

  /**
   * Syncs a notified change at once. A session that has just failed is retried sooner, but not before the first wait.
   *
   * @returns whether the archive has changed.
   */
  async hinted(task: SyncTask): Promise<boolean> {
    const attempt = this.#failing.get(keyOf(task));
    if (attempt !== undefined)
      attempt.dueMs = Math.min(attempt.dueMs, attempt.failedMs + this.#options.firstWaitMs);
    return this.isDue(keyOf(task)) && (await this.#notified(task));
  }

  /** @param key a session's id, or the name of a follower or document that failed as a whole. */
  isDue(key: string): boolean {
    const attempt = this.#failing.get(key);
    return attempt === undefined || this.#clock.now() >= attempt.dueMs;
  }

  isFailing(key: string): boolean {
    return this.#failing.has(key);
  }

  succeeded(key: string): void {
    this.#forget(key);
  }

  failed(failure: Failure): void {
    if (this.#stopped) return;
    const { id, path, error } = failure;
    const key = id ?? path;
    const message = messageOf(error);
    const isNews = !this.#messages.has(message);
    const failures = (this.#failing.get(key)?.failures ?? 0) + 1;
    const waitMs = backoffMs(failures, { firstMs: this.#options.firstWaitMs, maxMs: MAX_WAIT_MS });
    const nowMs = this.#clock.now();
    this.#forget(key);
    this.#failing.set(key, { message, failures, failedMs: nowMs, dueMs: nowMs + waitMs });
    this.#messages.set(message, (this.#messages.get(message) ?? 0) + 1);
    if (isNews) this.#options.onFailure(failure);
  }

  stop(): void {
    this.#stopped = true;
  }

  async #followUp(task: SyncTask): Promise<void> {
    if ((await task.hasGrown?.()) === true) await this.#notified(task);
  }

  #notified(task: SyncTask): Promise<boolean> {
    return this.#attempt(task, () => task.runNotified?.() ?? task.run());
  }

  #forget(key: string): void {
    const message = this.#failing.get(key)?.message;
    if (message === undefined) return;
    this.#failing.delete(key);
    const left = (this.#messages.get(message) ?? 0) - 1;
    if (left > 0) this.#messages.set(message, left);
    else this.#messages.delete(message);
  }
}

function keyOf({ id, path }: SyncTask): string {
  return id ?? path;
}
