/** The file system behind a guard: what does not answer is given up. */

import type { BigIntStats, Dirent } from "node:fs";
import type { Clock } from "../../async/clock.ts";
import { HangGuard } from "../../async/hang-guard.ts";
import { WatchError } from "../../errors.ts";
import type { Files, OpenFile } from "./files.ts";

/** How long (ms) one operation may take. */
export const OPERATION_MS = 10_000;
/** How long (ms) one may take with an open file: others may wait for what is read to be written. */
export const READ_MS = 2000;
/** One operation asks for at most this many stats: many on a slow file system are not taken for one on a dead one. */
const STATS_PER_OPERATION = 256;

export class GuardedFiles implements Files {
  readonly #files: Files;
  readonly #guard: HangGuard;

  /** @param place how messages call what is reached through this. */
  constructor(files: Files, clock: Clock, place: string) {
    this.#files = files;
    this.#guard = new HangGuard(
      clock,
      () => new WatchError("transcript_unreadable", `Cannot read transcripts: ${place} does not answer`),
    );
  }

  async stats(paths: readonly string[]): Promise<(BigIntStats | null)[]> {
    const found: (BigIntStats | null)[] = [];
    for (let at = 0; at < paths.length; at += STATS_PER_OPERATION) {
      const some = paths.slice(at, at + STATS_PER_OPERATION);
      found.push(...(await this.#guard.run(() => this.#files.stats(some), { deadlineMs: OPERATION_MS })));
    }
    return found;
  }

  folder(path: string): Promise<Dirent[] | null> {
    return this.#guard.run(() => this.#files.folder(path), { deadlineMs: OPERATION_MS });
  }

  async open(path: string): Promise<OpenFile> {
    const file = await this.#guard.run(() => this.#files.open(path), {
      deadlineMs: OPERATION_MS,
      takeLate: (late) => void this.#close(late),
    });
    return {
      read: (...args) => this.#guard.run(() => file.read(...args), { deadlineMs: READ_MS }),
      stat: (options) => this.#guard.run(() => file.stat(options), { deadlineMs: READ_MS }),
      close: () => this.#close(file),
    };
  }

  /** A file that hangs in reading would hang in closing, so this does not wait; a failure to close has no remedy. */
  async #close(file: OpenFile): Promise<void> {
    if (!this.#guard.isHanging)
      return await this.#guard.run(() => file.close(), { deadlineMs: OPERATION_MS });
    void this.#guard.released().then(() => Promise.allSettled([file.close()]));
  }
}
