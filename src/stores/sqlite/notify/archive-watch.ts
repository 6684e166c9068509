/** Notices within about a millisecond that a process has written to a database file. */

import { statSync, watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { basename, dirname } from "node:path";
import type { Clock } from "../../../async/clock.ts";
import { Echo } from "../../../async/echo.ts";
import { realFile } from "../database/real-file.ts";

/**
 * When (ms) to look again after a write. A commit becomes visible after its log was written: microseconds later, or
 * after the disk is done if the writer waits for it.
 */
const ECHOES_MS = [1, 4, 16, 64, 256];
/** How often each time: a check takes about as long as a commit needs to become visible, a timer takes far longer. */
const CHECKS = 3;

/** Watches the file's folder while there are listeners. */
export class ArchiveWatch {
  readonly #path: string;
  readonly #revisionOf: () => string;
  readonly #listeners = new Set<() => void>();
  #watcher: FSWatcher | null = null;
  /** The real file and the identity of its folder. A folder that was replaced has to be watched again. */
  #place: string | null = null;
  readonly #echo: Echo;
  /** The archive's revision when listeners were last notified; null if it could not be read. */
  #revision: string | null = null;

  /** @param revisionOf reads the archive's revision, which changes with each commit. It has to be cheap. */
  constructor(path: string, clock: Clock, revisionOf: () => string) {
    this.#path = path;
    this.#echo = new Echo(clock, ECHOES_MS, () => this.#notify());
    this.#revisionOf = revisionOf;
  }

  /** @returns a function that removes the listener. */
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

  /** Watches the folder that has the file now. Cheap enough for every poll. */
  check(): void {
    if (this.#listeners.size === 0) return;
    let file: string;
    let place: string;
    try {
      file = realFile(this.#path);
      const folder = statSync(dirname(file), { bigint: true });
      place = `${folder.dev}:${folder.ino}:${file}`;
    } catch {
      // The file is gone. The reader reports it, and the next check looks for it again.
      this.#disarm();
      return;
    }
    if (place === this.#place && this.#watcher !== null) return;
    this.#disarm();
    this.#arm(file, place);
  }

  #arm(file: string, place: string): void {
    const name = basename(file);
    // Without "-shm": readers write to it, so its changes mean nothing.
    const names = new Set([name, `${name}-wal`, `${name}-journal`]);
    try {
      const watcher = watch(dirname(file), (_event, changed) => {
        // An event without a name is about the folder itself.
        if (!changed || names.has(changed)) this.#echo.start();
      });
      watcher.on("error", () => {
        if (this.#watcher === watcher) this.#disarm();
      });
      this.#watcher = watcher;
    } catch {
      // There are no notifications here (a limit, a file system). The poll sees everything a little later.
      return;
    }
    this.#place = place;
  }

  /** A commit writes to a file several times. Listeners are notified once, when the commit is visible. */
  #notify(): void {
    for (let checks = 0; checks < CHECKS; checks += 1) {
      if (!this.#hasChanged()) continue;
      for (const listener of this.#listeners) listener();
      return;
    }
  }

  #hasChanged(): boolean {
    const before = this.#revision;
    try {
      this.#revision = this.#revisionOf();
    } catch {
      // It cannot be read now. The next reader reports why.
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
