/** Takes bytes as they happen to arrive, and gives them out as they are asked for. */

import { within } from "./program.ts";

export class ByteReader {
  #buffer: Buffer = Buffer.alloc(0);
  #ended = false;
  #error: Error | null = null;
  #wake: (() => void) | null = null;

  push(bytes: Uint8Array): void {
    this.#buffer = Buffer.concat([this.#buffer, bytes]);
    this.#wake?.();
  }

  /** @param error why nothing more will come; null where that is how it should be. */
  end(error: Error | null = null): void {
    this.#ended = true;
    this.#error ??= error;
    this.#wake?.();
  }

  /** The text before the next CRLF: no other line end will do in the frame of an HTTP message. */
  async line(): Promise<string> {
    while (!this.#buffer.includes("\r\n")) await this.#more("a line");
    const bytes = this.#take(this.#buffer.indexOf("\r\n"));
    this.#take(2);
    const line = bytes.toString("latin1");
    if (/[\r\n]/.test(line)) throw new Error(`a bare CR or LF in ${JSON.stringify(line)}`);
    return line;
  }

  async exactly(size: number): Promise<Uint8Array> {
    while (this.#buffer.length < size) await this.#more(`${size} bytes`);
    return this.#take(size);
  }

  /** Whatever is there, at least one byte; null at the end. */
  async some(): Promise<Uint8Array | null> {
    while (this.#buffer.length === 0) {
      if (this.#ended && this.#error === null) return null;
      await this.#more("bytes");
    }
    return this.#take(this.#buffer.length);
  }

  /** Everything until the end. */
  async rest(): Promise<Uint8Array> {
    while (!this.#ended) await this.#more("the end of the connection");
    if (this.#error !== null) throw this.#error;
    return this.#take(this.#buffer.length);
  }

  #take(size: number): Buffer {
    const bytes = this.#buffer.subarray(0, size);
    this.#buffer = this.#buffer.subarray(size);
    return bytes;
  }

  async #more(wanted: string): Promise<void> {
    const seen = (): string => JSON.stringify(this.#buffer.toString("latin1"));
    if (this.#ended)
      throw this.#error ?? new Error(`the connection has ended; wanted ${wanted} after ${seen()}`);
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    await within(woken, () => `${wanted} after ${seen()}`);
  }
}
