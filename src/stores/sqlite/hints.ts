/** Notices, within about a millisecond, that some process has written to a database file. */

import { realpathSync, statSync, watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { basename, dirname } from "node:path";

export class ArchiveHints {
  readonly #path: string;
  readonly #listeners = new Set<() => void>();
  #watcher: FSWatcher | null = null;
  /** The real file and the identity of its folder: a folder that was replaced must be watched anew. */
  #place: string | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  add(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.check();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#disarm();
    };
  }

  /** Watches the folder that the file is in now; cheap enough for every poll. */
  check(): void {
    if (this.#listeners.size === 0) return;
    let file: string;
    let place: string;
    try {
      file = realpathSync(this.#path);
      const folder = statSync(dirname(file), { bigint: true });
      place = `${folder.dev}:${folder.ino}:${file}`;
    } catch {
      // It is gone: the reader says so, and the next check looks for it again.
      this.#disarm();
      return;
    }
    if (place === this.#place && this.#watcher !== null) return;
    this.#disarm();
    this.#arm(file, place);
  }

  #arm(file: string, place: string): void {
    const name = basename(file);
    // Not "-shm": every reader touches it, and its changes mean nothing.
    const names = new Set([name, `${name}-wal`, `${name}-journal`]);
    try {
      this.#watcher = watch(dirname(file), (_event, changed) => {
        if (changed !== null && !names.has(changed)) return;
        for (const listener of this.#listeners) listener();
      });
    } catch {
      // No notifications to be had here (a limit, a file system): the poll sees everything a little later.
      return;
    }
    this.#place = place;
    this.#watcher.on("error", () => this.#disarm());
  }

  #disarm(): void {
    this.#watcher?.close();
    this.#watcher = null;
    this.#place = null;
  }
}
