/** Gives up on a file system that does not answer, as a dead network mount does, and leaves it alone until it does. */

import type { BigIntStats, Dirent } from "node:fs";
import { WatchError } from "../errors.ts";
import type { Clock } from "../watch/ports.ts";
import type { Files, OpenFile } from "./files.ts";

/** How long (ms) one operation may take. */
export const PATIENCE_MS = 10_000;

/**
 * What an operation that was given up on holds, it holds for as long as it hangs: one of the runtime's few threads.
 * So there is never a second one behind it: until the first has come back, all others fail at once.
 */
export class PatientFiles implements Files {
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #root: string;
  #hanging = 0;

  /** @param root names the place in messages. */
  constructor(files: Files, clock: Clock, root: string) {
    this.#files = files;
    this.#clock = clock;
    this.#root = root;
  }

  stats(paths: readonly string[]): Promise<(BigIntStats | null)[]> {
    return this.#patiently(() => this.#files.stats(paths));
  }

  folder(path: string): Promise<Dirent[] | null> {
    return this.#patiently(() => this.#files.folder(path));
  }

  async open(path: string): Promise<OpenFile> {
    const file = await this.#patiently(() => this.#files.open(path));
    const patient = {
      read: (...args: Parameters<OpenFile["read"]>) => this.#patiently(() => file.read(...args)),
      stat: (...args: Parameters<OpenFile["stat"]>) => this.#patiently(() => file.stat(...args)),
      // What hangs in reading would hang in closing, too.
      close: () => (this.#hanging > 0 ? Promise.resolve() : this.#patiently(() => file.close())),
    };
    return patient as OpenFile;
  }

  /** @throws WatchError `transcript_unreadable` when it takes too long, and whatever `operation` throws. */
  async #patiently<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#hanging > 0) throw this.#silent();
    const running = operation();
    const { promise: tooLong, reject } = Promise.withResolvers<never>();
    const cancel = this.#clock.after(PATIENCE_MS, () => {
      this.#hanging += 1;
      const back = (): void => void (this.#hanging -= 1);
      running.then(back, back);
      reject(this.#silent());
    });
    try {
      return await Promise.race([running, tooLong]);
    } finally {
      cancel();
    }
  }

  #silent(): WatchError {
    return new WatchError("transcript_unreadable", `Cannot read transcripts: ${this.#root} does not answer`);
  }
}
