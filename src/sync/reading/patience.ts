/** Gives up on a file system that does not answer, as a dead network mount does, and leaves it alone until it does. */

import type { BigIntStats, Dirent } from "node:fs";
import { WatchError } from "../../errors.ts";
import type { Clock } from "../../async/clock.ts";
import type { Files, OpenFile } from "./files.ts";

/** How long (ms) one operation may take. */
export const PATIENCE_MS = 10_000;
/** How long (ms) one may take with an open file: others may be waiting for what is read to be written. */
export const READ_PATIENCE_MS = 2000;
/** For so long (ms) after an answer the next one is taken for granted: operations may then run side by side. */
const TRUST_MS = 50;
/** So many stats are one operation: many on a slow file system are not taken for one on a dead one. */
const STATS_PER_OPERATION = 256;

interface Patience<T> {
  /** @default PATIENCE_MS */
  patienceMs?: number;
  /** Called with what came when it was not waited for any more. */
  takeLate?: (result: T) => void;
}

/**
 * What hangs holds one of the runtime's threads until it comes back, given up on or not, and there are few: Bun has one
 * per core. So where nothing was asked lately, one operation goes ahead and all others wait for its answer; and while
 * one that was given up on has not come back, all others fail at once.
 */
export class PatientFiles implements Files {
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #place: string;
  #answeredMs = -Infinity;
  /** Resolves when the operation that has gone ahead is answered or given up on. */
  #vanguard: Promise<unknown> | null = null;
  /** What was given up on and has not come back. */
  readonly #hanging = new Set<Promise<unknown>>();

  /** @param place how messages call what is reached through this. */
  constructor(files: Files, clock: Clock, place: string) {
    this.#files = files;
    this.#clock = clock;
    this.#place = place;
  }

  async stats(paths: readonly string[]): Promise<(BigIntStats | null)[]> {
    const found: (BigIntStats | null)[] = [];
    for (let at = 0; at < paths.length; at += STATS_PER_OPERATION) {
      const some = paths.slice(at, at + STATS_PER_OPERATION);
      found.push(...(await this.#patiently(() => this.#files.stats(some))));
    }
    return found;
  }

  folder(path: string): Promise<Dirent[] | null> {
    return this.#patiently(() => this.#files.folder(path));
  }

  async open(path: string): Promise<OpenFile> {
    const file = await this.#patiently(() => this.#files.open(path), {
      takeLate: (late) => this.#closeLater(late),
    });
    const patienceMs = READ_PATIENCE_MS;
    return {
      read: (...args) => this.#patiently(() => file.read(...args), { patienceMs }),
      stat: (options) => this.#patiently(() => file.stat(options), { patienceMs }),
      close: () => this.#closeLater(file),
    };
  }

  /** @throws WatchError `transcript_unreadable` when it takes too long, and whatever `operation` throws. */
  async #patiently<T>(operation: () => Promise<T>, patience: Patience<T> = {}): Promise<T> {
    while (this.#vanguard !== null && !this.#isTrusted()) await this.#vanguard;
    if (this.#hanging.size > 0) throw this.#silent();
    if (this.#isTrusted()) return await this.#timed(operation, patience);
    const running = this.#timed(operation, patience);
    this.#vanguard = Promise.allSettled([running]);
    try {
      return await running;
    } finally {
      this.#vanguard = null;
    }
  }

  async #timed<T>(operation: () => Promise<T>, patience: Patience<T>): Promise<T> {
    const { patienceMs = PATIENCE_MS, takeLate = ignore } = patience;
    const running = operation();
    const { promise: tooLong, reject } = Promise.withResolvers<never>();
    const cancel = this.#clock.after(patienceMs, () => {
      this.#hanging.add(running);
      const back = (): void => void this.#hanging.delete(running);
      running.then(takeLate).then(back, back);
      reject(this.#silent());
    });
    try {
      return await Promise.race([running, tooLong]);
    } finally {
      cancel();
      if (!this.#hanging.has(running)) this.#answeredMs = this.#clock.now();
    }
  }

  #isTrusted(): boolean {
    return this.#hanging.size === 0 && this.#clock.now() - this.#answeredMs < TRUST_MS;
  }

  /** Nobody waits for it, and if it fails there is nothing to be done: what hangs in reading would hang in closing. */
  async #closeLater(file: OpenFile): Promise<void> {
    if (this.#hanging.size === 0) return await this.#patiently(() => file.close());
    void Promise.allSettled(this.#hanging).then(() => Promise.allSettled([file.close()]));
  }

  #silent(): WatchError {
    return new WatchError("transcript_unreadable", `Cannot read transcripts: ${this.#place} does not answer`);
  }
}

function ignore(): void {}
