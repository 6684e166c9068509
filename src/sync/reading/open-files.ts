/** The files of one transcript that are open, and what each is while they are read. */

import type { BigIntStats } from "node:fs";
import type { SourceToken } from "../../session/session.ts";
import { fingerprintAt, firstRead } from "./chunks.ts";
import { tokenOf } from "./files.ts";
import type { OpenFile, ReadableFile } from "./files.ts";
import { LastRead } from "./last-read.ts";
import type { FileOnDisk } from "./transcript.ts";
import { unreadable, VanishedError } from "./unreadable.ts";

/** An open file, as it is in the present round of reading. */
export interface OpenLook {
  handle: ReadableFile;
  stats: BigIntStats;
}

/** Bytes that were read ahead, valid only while the file still has this token. */
interface Prefetched {
  handle: LastRead;
  token: SourceToken;
}

export class OpenFiles {
  readonly #handles = new Map<FileOnDisk, OpenFile>();
  readonly #prefetched = new Map<FileOnDisk, Prefetched>();
  readonly #stats = new Map<FileOnDisk, BigIntStats>();

  /** Takes a file that is open already, with what it was when it was opened. */
  adopt(file: FileOnDisk, opened: OpenFile): void {
    this.#handles.set(file, opened);
    this.#stats.set(file, file.stats);
  }

  /**
   * Opens the file unless it is open, and reads what a reader that goes on at `offset` (bytes) asks for first.
   *
   * @throws WatchError `transcript_unreadable`, VanishedError.
   */
  async open(file: FileOnDisk, offset: number): Promise<void> {
    const opened = await this.#handle(file);
    const stats = this.#stats.get(file) ?? (await statsOf(opened, file.path));
    this.#stats.set(file, stats);
    const { position, length } = firstRead(offset, Number(stats.size));
    const handle = new LastRead(opened);
    try {
      await handle.prefetch(position, length);
    } catch (error) {
      throw unreadable(file.path, error);
    }
    this.#prefetched.set(file, { handle, token: tokenOf(stats) });
  }

  /**
   * Opens the file unless it is open; its stats stay the same until the next round.
   *
   * @throws WatchError `transcript_unreadable`, VanishedError.
   */
  async look(file: FileOnDisk): Promise<OpenLook> {
    const handle = await this.#handle(file);
    const stats = this.#stats.get(file) ?? (await statsOf(handle, file.path));
    this.#stats.set(file, stats);
    const prefetched = this.#prefetched.get(file);
    const isStillSo = prefetched?.token === tokenOf(stats);
    return { handle: isStillSo ? prefetched.handle : new LastRead(handle), stats };
  }

  /** From now on, files are what they are now. */
  newRound(): void {
    this.#stats.clear();
  }

  /**
   * Costs two small reads and no stat.
   *
   * @param offset up to where it was read (bytes), and the fingerprint that it had there.
   * @returns whether the file still ends where it did in this round, after the same bytes.
   */
  async isAtEnd(file: FileOnDisk, offset: number, fingerprint: string): Promise<boolean> {
    const stats = this.#stats.get(file);
    if (stats === undefined) return false;
    const handle = await this.#handle(file);
    try {
      const { bytesRead } = await handle.read(new Uint8Array(1), 0, 1, Number(stats.size));
      return bytesRead === 0 && (await fingerprintAt(handle, offset)) === fingerprint;
    } catch (error) {
      throw unreadable(file.path, error);
    }
  }

  /** @returns whether a file has changed since this round has looked at it. */
  async haveChanged(): Promise<boolean> {
    for (const [file, handle] of this.#handles) {
      const seen = this.#stats.get(file);
      if (seen !== undefined && tokenOf(await statsOf(handle, file.path)) !== tokenOf(seen)) return true;
    }
    return false;
  }

  async close(): Promise<void> {
    for (const handle of this.#handles.values()) await handle.close();
    this.#handles.clear();
    this.#prefetched.clear();
    this.#stats.clear();
  }

  async #handle(file: FileOnDisk): Promise<OpenFile> {
    try {
      const handle = this.#handles.get(file) ?? (await file.root.files.open(file.path));
      this.#handles.set(file, handle);
      return handle;
    } catch (error) {
      throw unreadable(file.path, error);
    }
  }
}

async function statsOf(handle: OpenFile, path: string): Promise<BigIntStats> {
  try {
    const stats = await handle.stat({ bigint: true });
    if (stats.isFile()) return stats;
  } catch (error) {
    throw unreadable(path, error);
  }
  throw new VanishedError(`A FIFO or a folder has taken the place of ${JSON.stringify(path)}`);
}
