/** Notifications of one folder, while it exists and again when it comes back. */

import { watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import type { Clock } from "../../async/clock.ts";

/** How often (ms) to retry a watch that failed: limits are raised, and other programs release their watches. */
const RETRY_MS = 60_000;

/** How often (ms) to check that the watched folder was not replaced: usually a notification says so. */
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
  /** @returns a token that identifies the folder that is there now; null if there is none. */
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

  /** Whether every change in the folder is notified, as far as the system can be trusted. */
  get isCovered(): boolean {
    return this.#isCovered;
  }

  /**
   * Watches the folder that is there now. Looks for it unless that was done lately; retries a failed watch once a minute.
   *
   * @returns whether the watch is new: files in the folder may have changed unnoticed.
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
    // Runtimes report this differently. In all of them, a part of the folder may still be watched.
    this.#isCovered = false;
    this.#retryMs = this.#clock.now() + RETRY_MS;
    this.#options.onUncovered(error);
  }

  /** @param name no name (null, undefined or "", by runtime) means the folder itself: it was replaced or is gone. */
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
