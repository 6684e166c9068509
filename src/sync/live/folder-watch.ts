/** Notifications of one folder, for as long as it is there and again when it comes back. */

import { watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import type { Clock } from "../../async/clock.ts";

/** How often (ms) what could not be watched is tried again: limits are raised, and others let go of theirs. */
const RETRY_MS = 60_000;

/** How often (ms) it is seen whether a folder is still the one that is watched: as a rule, that is notified. */
const CHECK_MS = 15_000;

/** Notifications as the system gives them: a port, so that its limits can be reached in tests. */
export type Watch = (
  path: string,
  options: { recursive: boolean },
  listener: (event: string, name: string | null) => void,
) => Pick<FSWatcher, "on" | "close">;

export const systemWatch: Watch = watch;

export interface FolderWatchOptions {
  /** With all folders in it. */
  recursive: boolean;
  /** Null to watch nothing, and only see whether the folder is there. */
  watch: Watch | null;
  /** What tells the folder that is there now from another one; null if there is none. */
  token: () => Promise<string | null>;
  /** Something has changed: `name`, relative to the folder. */
  onHint: (name: string) => void;
  /** Some or all of it cannot be watched. */
  onUncovered: (error: unknown) => void;
}

export class FolderWatch {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #options: FolderWatchOptions;
  #watcher: ReturnType<Watch> | null = null;
  #token: string | null = null;
  #isCovered = false;
  #retryMs = Infinity;
  #checkMs = 0;
  #closed = false;

  constructor(path: string, clock: Clock, options: FolderWatchOptions) {
    this.#path = path;
    this.#clock = clock;
    this.#options = options;
  }

  /** Whether there was such a folder when it was last looked for. */
  get isThere(): boolean {
    return this.#token !== null;
  }

  /** Whether a change in the folder is sure to be told, as far as the system can be trusted. */
  get isCovered(): boolean {
    return this.#isCovered;
  }

  /**
   * Watches the folder that is there now, which is looked for unless that was done lately; what could not be watched is
   * tried again once a minute.
   *
   * @returns whether it was not watched before: what is in it may have changed unseen.
   */
  async arm(): Promise<boolean> {
    if (this.#isCovered && this.#clock.now() < this.#checkMs) return false;
    const token = await this.#options.token();
    this.#checkMs = this.#clock.now() + CHECK_MS;
    if (token === this.#token && this.#clock.now() < this.#retryMs) return false;
    this.#disarm();
    if (token === null || this.#closed) return false;
    this.#token = token;
    if (this.#options.watch !== null) this.#watch(this.#options.watch);
    return true;
  }

  close(): void {
    this.#closed = true;
    this.#disarm();
  }

  #watch(watch: Watch): void {
    this.#isCovered = true;
    try {
      const { recursive } = this.#options;
      const watcher = watch(this.#path, { recursive }, (_event, name) => {
        if (this.#watcher === watcher) this.#hint(name);
      });
      this.#watcher = watcher;
      watcher.on("error", (error) => {
        if (this.#watcher === watcher) this.#fail(error);
      });
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    // Runtimes say it each in their way: what is left is that not everything is watched. Some still is.
    this.#isCovered = false;
    this.#retryMs = this.#clock.now() + RETRY_MS;
    this.#options.onUncovered(error);
  }

  /** @param name none (null, undefined or "", by runtime) is the folder itself: it is another one, or gone. */
  #hint(name: string | null | undefined): void {
    if (name) this.#options.onHint(name);
    else this.#disarm();
  }

  #disarm(): void {
    this.#watcher?.close();
    this.#watcher = null;
    this.#token = null;
    this.#isCovered = false;
    this.#retryMs = Infinity;
  }
}
