/** Notices, within about a millisecond, that some process has written to a database file. */

import { statSync, watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { basename, dirname } from "node:path";
import type { Clock } from "../../../async/clock.ts";
import { Echo } from "../../../async/echo.ts";
import { realFile } from "../database/real-file.ts";

/**
 * When (ms) to hint again after a write was noticed. A commit in a write-ahead log is visible only after the log
 * was written: microseconds later, or as long as the disk takes where the writer waits for it.
 */
const ECHOES_MS = [1, 4, 16, 64, 256];

/** Watches the file's folder for as long as anybody listens. */
export class ArchiveWatch {
  readonly #path: string;
  readonly #revisionOf: () => string;
  readonly #listeners = new Set<() => void>();
  #watcher: FSWatcher | null = null;
  /** The real file and the identity of its folder: a folder that was replaced must be watched anew. */
  #place: string | null = null;
  readonly #echo: Echo;
  /** The archive's revision when listeners were last notified; null if that could not be told. */
  #revision: string | null = null;

  /** @param revisionOf is cheap, and differs after each commit. */
  constructor(path: string, clock: Clock, revisionOf: () => string) {
    this.#path = path;
    this.#echo = new Echo(clock, ECHOES_MS, () => this.#notify());
    this.#revisionOf = revisionOf;
  }

  /** @returns the way out. */
  add(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.check();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#disarm();
    };
  }

  close(): void {
    this.#listeners.clear();
    this.#disarm();
  }

  /** Watches the folder that the file is in now; cheap enough for every poll. */
  check(): void {
    if (this.#listeners.size === 0) return;
    let file: string;
    let place: string;
    try {
      file = realFile(this.#path);
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
      const watcher = watch(dirname(file), (_event, changed) => {
        // Without a name it is the folder itself that has changed.
        if (!changed || names.has(changed)) this.#echo.start();
      });
      watcher.on("error", () => {
        if (this.#watcher === watcher) this.#disarm();
      });
      this.#watcher = watcher;
    } catch {
      // No notifications to be had here (a limit, a file system): the poll sees everything a little later.
      return;
    }
    this.#place = place;
  }

  /** A file is written several times for a commit: listeners are notified once, when there is something to see. */
  #notify(): void {
    if (this.#hasChanged()) for (const listener of this.#listeners) listener();
  }

  #hasChanged(): boolean {
    const before = this.#revision;
    try {
      this.#revision = this.#revisionOf();
    } catch {
      // It cannot be read now: those who read it find out why.
      this.#revision = null;
    }
    return this.#revision === null || this.#revision !== before;
  }

  #disarm(): void {
    this.#echo.stop();
    this.#watcher?.close();
    this.#watcher = null;
    this.#place = null;
  }
}
