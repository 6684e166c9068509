/** Reads the complete lines of a growing file from an offset on, in pieces of bounded size. */

import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createZstdDecompress } from "node:zlib";
import { parseObject } from "../agents/json.ts";
import type { ReadableFile } from "./files.ts";

/** Bytes per read; what is in memory at once is this and one line. */
const CHUNK_BYTES = 512 * 1024;
/** A longer line (bytes) is skipped, and counted as malformed. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024;
/** How many bytes before an offset must be unchanged for a reader to go on from there. */
const FINGERPRINT_BYTES = 1024;

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const CLOSING_BRACE = 0x7d;
const BYTE_ORDER_MARK = "\ufeff";

export interface Lines {
  lines: string[];
  /** Where the next read goes on: the end of the last of these lines. */
  offset: number;
}

/**
 * Splits at the byte 0x0A only: strings may hold U+2028, at which other line readers break. A last line
 * without its newline is given only if it is a complete JSON object, for then nothing should follow on it
 * (`isLineStart` tells whether something did); otherwise it is still being written. Lines of more than
 * MAX_LINE_BYTES become lines that no parser takes.
 *
 * @param from where the first chunk begins (bytes).
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  from: number = 0,
): AsyncGenerator<Lines, void, void> {
  let text = new Text();
  /** Of the line that `text` ends with (bytes). */
  let length = 0;
  let position = from;
  for await (const bytes of chunks) {
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      const first = bytes.indexOf(NEWLINE);
      if (length + first > MAX_LINE_BYTES) text = new Text(TOO_LONG).add(bytes.subarray(first, end));
      else text.add(bytes.subarray(0, end));
      length = 0;
      yield { lines: linesOf(text.take()), offset: position + end };
    }
    position += bytes.length;
    length += bytes.length - end;
    // What is too long is not kept, only counted.
    if (length > MAX_LINE_BYTES) text = new Text();
    else text.add(bytes.subarray(end));
  }
  const rest = text.take();
  // A carriage return whose newline is still to come says no more than its absence would.
  const last = rest.endsWith("\r") ? rest.slice(0, -1) : rest;
  const [line = ""] = linesOf(last);
  if (line.endsWith("}") && parseObject(line) !== null)
    yield { lines: [line], offset: position - (rest.length - last.length) };
}

/** UTF-8 that comes in pieces: decoded as it comes, so that a long line is in memory once. Invalid bytes become U+FFFD. */
class Text {
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #text: string;

  constructor(beginning = "") {
    this.#text = beginning;
  }

  add(bytes: Uint8Array): this {
    this.#text += this.#decoder.decode(bytes, { stream: true });
    return this;
  }

  /** @returns all of it; none is left. */
  take(): string {
    const text = this.#text + this.#decoder.decode();
    this.#text = "";
    return text;
  }
}

/**
 * @param to where to stop (bytes), so that a file that never stops growing is read in finite time.
 * @returns pieces of the file; each is overwritten by the next one.
 * @throws RewrittenError when what was read before a piece is not there any more.
 */
export async function* chunksOf(
  file: ReadableFile,
  from: number,
  to: number,
): AsyncGenerator<Uint8Array, void, void> {
  const buffer = new Uint8Array(Math.min(CHUNK_BYTES, to - from) + FINGERPRINT_BYTES);
  // Read once more with each piece: a file that was cut and has grown again in between would be half of either.
  let before = new Uint8Array(0);
  for (let position = from; position < to;) {
    const start = position - before.length;
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, to - start), start);
    if (Buffer.compare(buffer.subarray(0, Math.min(before.length, bytesRead)), before) !== 0)
      throw new RewrittenError("it was rewritten while it was read");
    if (bytesRead === before.length) return;
    position = start + bytesRead;
    yield buffer.subarray(before.length, bytesRead);
    before = buffer.slice(Math.max(bytesRead - FINGERPRINT_BYTES, 0), bytesRead);
  }
}

/** The file is not the one any more of which a part was read. */
export class RewrittenError extends Error {
  override readonly name = "RewrittenError";
}

/** @throws when the bytes are no zstd stream. */
export async function* unzstd(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const decompressor = createZstdDecompress();
  const feeding = pipeline(Readable.from(copiesOf(chunks)), decompressor);
  // It fails with what the loop over the decompressor throws.
  feeding.catch(() => decompressor.destroy());
  for await (const chunk of decompressor) yield chunk as Uint8Array;
  await feeding;
}

/** A stream holds on to what it was given, while a chunk is overwritten by the next one. */
async function* copiesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of chunks) yield chunk.slice();
}

/**
 * Looks only at what is new behind a line that is still being written.
 *
 * @returns whether the line may be complete now: there is a newline, or its last byte closes a record.
 */
export async function mayEndLine(file: ReadableFile, from: number, to: number): Promise<boolean> {
  let last: number | undefined;
  for await (const chunk of chunksOf(file, from, to)) {
    if (chunk.includes(NEWLINE)) return true;
    last = chunk.at(-1);
  }
  return last === CLOSING_BRACE || last === CARRIAGE_RETURN;
}

/**
 * @param offset where `readLines` stopped.
 * @returns false if what stands there belongs to the line before it: the record that was given without its
 *   newline was not the whole line.
 */
export async function isLineStart(file: ReadableFile, offset: number): Promise<boolean> {
  if (offset === 0) return true;
  const bytes = new Uint8Array(3);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, offset - 1);
  const [before, ...after] = bytes.subarray(0, bytesRead);
  if (before === NEWLINE) return true;
  const next = after[0] === CARRIAGE_RETURN ? after[1] : after[0];
  return next === undefined || next === NEWLINE;
}

/** @returns a digest of the bytes just before `offset`; a rewritten file has another one. */
export async function fingerprintAt(file: ReadableFile, offset: number): Promise<string> {
  const length = Math.min(offset, FINGERPRINT_BYTES);
  const bytes = new Uint8Array(length);
  const { bytesRead } = await file.read(bytes, 0, length, offset - length);
  return createHash("sha256").update(bytes.subarray(0, bytesRead)).digest("base64url").slice(0, 22);
}

/** Stands for a line that is too long, and cannot be read as JSON. */
const TOO_LONG = "(line too long)";

/** A byte order mark at the start of a line is dropped, on whichever line it is. */
function linesOf(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line) => (line.startsWith(BYTE_ORDER_MARK) ? line.slice(1) : line));
}
