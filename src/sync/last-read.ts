/** Gives again what was read last: what is checked about a file lies just there. */

import type { ReadableFile } from "./files.ts";

/** Smaller reads (bytes) are looks at a detail; they are not what the next one is about. */
const WORTH_KEEPING_BYTES = 4096;

export class LastRead implements ReadableFile {
  readonly #file: ReadableFile;
  #bytes = new Uint8Array(0);
  #position = 0;

  constructor(file: ReadableFile) {
    this.#file = file;
  }

  /** What was read is not copied: it is known until its buffer is read into again. */
  async read(
    buffer: Uint8Array<ArrayBuffer>,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number }> {
    const from = position - this.#position;
    if (from >= 0 && from + length <= this.#bytes.length) {
      buffer.set(this.#bytes.subarray(from, from + length), offset);
      return { bytesRead: length };
    }
    if (buffer.buffer === this.#bytes.buffer) this.#bytes = new Uint8Array(0);
    const { bytesRead } = await this.#file.read(buffer, offset, length, position);
    if (bytesRead >= WORTH_KEEPING_BYTES) {
      this.#bytes = buffer.subarray(offset, offset + bytesRead);
      this.#position = position;
    }
    return { bytesRead };
  }
}
