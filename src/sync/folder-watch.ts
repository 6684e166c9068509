/** Notifications of one folder, for as long as it is there and again when it comes back. */

import { watch } from "node:fs";
import type { FSWatcher } from "node:fs";

export interface FolderWatchOptions {
  /** With all folders in it. */
  recursive: boolean;
  /** What tells the folder that is there now from another one; null if there is none. */
  token: () => Promise<string | null>;
  /** Something has changed: `name`, relative to the folder. */
  onHint: (name: string) => void;
  /** Some or all of it cannot be watched. */
  onUncovered: (error: unknown) => void;
}

export class FolderWatch {
  readonly #path: string;
  readonly #options: FolderWatchOptions;
  #watcher: FSWatcher | null = null;
  #token: string | null = null;
  #isCovered = false;
  #closed = false;

  constructor(path: string, options: FolderWatchOptions) {
    this.#path = path;
    this.#options = options;
  }

  /** Whether a change in the folder is sure to be told, as far as the system can be trusted. */
  get isCovered(): boolean {
    return this.#isCovered;
  }

  /**
   * Watches the folder that is there now.
   *
   * @returns whether it was not watched before: what is in it may have changed unseen.
   */
  async arm(): Promise<boolean> {
    const token = await this.#options.token();
    if (token === this.#token) return false;
    this.#disarm();
    if (token === null || this.#closed) return false;
    // Also where watching fails: what is there is looked at, and not tried again and again.
    this.#token = token;
    this.#isCovered = true;
    try {
      this.#watcher = watch(this.#path, { recursive: this.#options.recursive }, (_event, name) =>
        this.#hint(name),
      );
      const watcher = this.#watcher;
      watcher.on("error", (error) => {
        if (this.#watcher === watcher) this.#fail(error);
      });
    } catch (error) {
      this.#fail(error);
    }
    return true;
  }

  /** Tries again what could not be watched. */
  async rearm(): Promise<void> {
    if (!this.#isCovered) this.#disarm();
    await this.arm();
  }

  close(): void {
    this.#closed = true;
    this.#disarm();
  }

  #fail(error: unknown): void {
    // Runtimes say it each in their way: what is left is that not everything is watched. Some still is.
    this.#isCovered = false;
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
  }
}
