/** Caches the last read of a file: the checks that follow a read ask for the same bytes. */

import type { ReadableFile } from "./files.ts";

/** Smaller reads (bytes) are looks at a detail: they are not what the next one is about. */
const WORTH_KEEPING_BYTES = 4096;

export class LastRead implements ReadableFile {
  readonly #file: ReadableFile;
  #bytes = new Uint8Array(0);
  #position = 0;

  constructor(file: ReadableFile) {
    this.#file = file;
  }

  /**
   * Does not copy the bytes: they are valid until the next read into the same buffer.
   *
   * @returns as every read, maybe less than was asked for.
   */
  async read(
    buffer: Uint8Array<ArrayBuffer>,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number }> {
    const known = this.#knownFrom(position, length);
    if (known !== null) {
      buffer.set(known, offset);
      return { bytesRead: known.length };
    }
    if (buffer.buffer === this.#bytes.buffer) this.#bytes = new Uint8Array(0);
    const { bytesRead } = await this.#file.read(buffer, offset, length, position);
    if (bytesRead >= WORTH_KEEPING_BYTES) this.#keep(buffer.subarray(offset, offset + bytesRead), position);
    return { bytesRead };
  }

  /** Reads what will be asked for. */
  async prefetch(position: number, length: number): Promise<void> {
    const buffer = new Uint8Array(length);
    const { bytesRead } = await this.#file.read(buffer, 0, length, position);
    this.#keep(buffer.subarray(0, bytesRead), position);
  }

  #knownFrom(position: number, length: number): Uint8Array | null {
    const from = position - this.#position;
    if (from < 0 || from >= this.#bytes.length) return null;
    const known = this.#bytes.subarray(from, from + length);
    return known.length === length || known.length >= WORTH_KEEPING_BYTES ? known : null;
  }

  #keep(bytes: Uint8Array<ArrayBuffer>, position: number): void {
    this.#bytes = bytes;
    this.#position = position;
  }
}
