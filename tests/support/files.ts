/** The real file system, counted, or with a part of it that does not answer. */

import { diskFiles } from "../../src/sync/reading/files.ts";
import type { Files, OpenFile } from "../../src/sync/reading/files.ts";

/** Counts what is asked of the disk. */
export class CountingFiles implements Files {
  statPaths: string[] = [];
  folders: string[] = [];
  opens: string[] = [];
  bytesRead = 0;
  /** Of open files. */
  handleStats = 0;
  readonly #files: Files;

  constructor(files: Files = diskFiles) {
    this.#files = files;
  }

  reset(): void {
    this.statPaths = [];
    this.folders = [];
    this.opens = [];
    this.bytesRead = 0;
    this.handleStats = 0;
  }

  /** Of transcripts, not of folders. */
  get transcriptStats(): number {
    return this.statPaths.filter((path) => path.includes(".jsonl")).length;
  }

  stats(paths: readonly string[]): ReturnType<Files["stats"]> {
    this.statPaths.push(...paths);
    return this.#files.stats(paths);
  }

  folder(path: string): ReturnType<Files["folder"]> {
    this.folders.push(path);
    return this.#files.folder(path);
  }

  async open(path: string): Promise<OpenFile> {
    this.opens.push(path);
    const file = await this.#files.open(path);
    const read: OpenFile["read"] = async (...args) => {
      const result = await file.read(...args);
      this.bytesRead += result.bytesRead;
      return result;
    };
    return {
      read,
      stat: (options) => {
        this.handleStats += 1;
        return file.stat(options);
      },
      close: () => file.close(),
    };
  }
}

/** What the system may be asked to do. */
export type Operation = "stat" | "folder" | "open" | "read" | "close";

/** A disk of which a part hangs, until it is released. */
export class HangingFiles implements Files {
  /** Operations that are hanging. */
  hanging = 0;
  /** Operations that are under way, those that are hanging included. */
  running = 0;
  /** All that were begun. */
  begun = 0;
  /** Files that were closed. */
  closed = 0;
  #dead: { prefix: string; operations: readonly Operation[] } | null = null;
  #released = Promise.withResolvers<void>();

  /** @param prefix of the paths that do not answer. @default to any operation */
  hang(prefix: string, ...operations: Operation[]): void {
    this.#dead = { prefix, operations };
    this.#released = Promise.withResolvers<void>();
  }

  /** It answers again, also what it was asked meanwhile. */
  release(): void {
    this.#dead = null;
    this.#released.resolve();
  }

  stats(paths: readonly string[]): ReturnType<Files["stats"]> {
    return this.#when("stat", paths[0] ?? "", () => diskFiles.stats(paths));
  }

  folder(path: string): ReturnType<Files["folder"]> {
    return this.#when("folder", path, () => diskFiles.folder(path));
  }

  async open(path: string): Promise<OpenFile> {
    const file = await this.#when("open", path, () => diskFiles.open(path));
    return {
      read: (...args) => this.#when("read", path, () => file.read(...args)),
      stat: (options) => this.#when("stat", path, () => file.stat(options)),
      close: () =>
        this.#when("close", path, () => {
          this.closed += 1;
          return file.close();
        }),
    };
  }

  async #when<T>(operation: Operation, path: string, run: () => Promise<T>): Promise<T> {
    this.begun += 1;
    this.running += 1;
    if (this.#isDead(operation, path)) {
      this.hanging += 1;
      await this.#released.promise;
      this.hanging -= 1;
    }
    try {
      return await run();
    } finally {
      this.running -= 1;
    }
  }

  #isDead(operation: Operation, path: string): boolean {
    if (this.#dead === null || !path.startsWith(this.#dead.prefix)) return false;
    return this.#dead.operations.length === 0 || this.#dead.operations.includes(operation);
  }
}
