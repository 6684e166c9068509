/** Remembers incomplete last lines, so that they are not read again on every append. */

import { fingerprintAt } from "./chunks.ts";
import type { ReadableFile } from "./files.ts";
import { mayEndLine } from "./lines.ts";

interface UnfinishedLine {
  /** Where it begins (bytes). */
  offset: number;
  /** Up to where it has been read, and what stood just before. */
  readTo: number;
  fingerprint: string;
}

/** By path; for as long as the process lives. */
export class UnfinishedLines {
  readonly #lines = new Map<string, UnfinishedLine>();

  /**
   * @param from where the last complete line ends (bytes).
   * @param to where the file ends (bytes).
   * @returns whether nothing but more of the same line has been written.
   */
  async isStillUnfinished(path: string, handle: ReadableFile, from: number, to: number): Promise<boolean> {
    const line = this.#lines.get(path);
    if (line === undefined || line.offset !== from || line.readTo > to) return false;
    if ((await fingerprintAt(handle, line.readTo)) !== line.fingerprint) return false;
    return !(await mayEndLine(handle, line.readTo, to));
  }

  /** @returns where a reader that goes on at `offset` will look first (bytes). */
  nextRead(path: string, offset: number): number {
    const line = this.#lines.get(path);
    return line?.offset === offset ? line.readTo : offset;
  }

  /**
   * Notes that the file has been read.
   *
   * @param offset where the last complete line ends (bytes).
   * @param to up to where it has been read (bytes).
   */
  async note(path: string, handle: ReadableFile, offset: number, to: number): Promise<void> {
    if (offset === to) this.#lines.delete(path);
    else this.#lines.set(path, { offset, readTo: to, fingerprint: await fingerprintAt(handle, to) });
  }
}
