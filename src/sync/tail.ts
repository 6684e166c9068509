/** Reads the complete lines of a growing file from an offset on, in pieces of bounded size. */

import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";

/** Bytes per read; what is in memory at once is this and one line. */
const CHUNK_BYTES = 256 * 1024;
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
 * @param to where to stop (bytes), so that a file that never stops growing is read in finite time.
 */
export async function* readLines(
  file: FileHandle,
  from: number,
  to: number = Infinity,
): AsyncGenerator<Lines, void, void> {
  let pieces: Uint8Array[] = [];
  let length = 0;
  let position = from;
  let chunk = new Uint8Array(0);
  while (position < to) {
    // A chunk of which nothing was kept is used again.
    if (pieces.length > 0 || chunk.length === 0) chunk = new Uint8Array(Math.min(CHUNK_BYTES, to - position));
    const { bytesRead } = await file.read(chunk, 0, Math.min(CHUNK_BYTES, to - position), position);
    if (bytesRead === 0) break;
    const bytes = chunk.subarray(0, bytesRead);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      const first = bytes.indexOf(NEWLINE);
      const isTooLong = length + first > MAX_LINE_BYTES;
      const whole = isTooLong ? [TOO_LONG, bytes.subarray(first, end)] : [...pieces, bytes.subarray(0, end)];
      yield { lines: decode(concat(whole)), offset: position + end };
      pieces = [];
      length = 0;
    }
    position += bytesRead;
    length += bytesRead - end;
    // What is too long is not kept, only counted.
    if (length > MAX_LINE_BYTES) pieces = [];
    else if (end < bytesRead) pieces.push(bytes.subarray(end));
  }
  const rest = concat(pieces);
  // A carriage return whose newline is still to come says no more than its absence would.
  const last = rest.at(-1) === CARRIAGE_RETURN ? rest.subarray(0, -1) : rest;
  if (last.at(-1) !== CLOSING_BRACE) return;
  const [line = ""] = decode(last);
  if (isJson(line)) yield { lines: [line], offset: position - (rest.length - last.length) };
}

/**
 * @param offset where `readLines` stopped.
 * @returns false if what stands there belongs to the line before it: the record that was given without its
 *   newline was not the whole line.
 */
export async function isLineStart(file: FileHandle, offset: number): Promise<boolean> {
  if (offset === 0) return true;
  const bytes = new Uint8Array(3);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, offset - 1);
  const [before, ...after] = bytes.subarray(0, bytesRead);
  if (before === NEWLINE) return true;
  const next = after[0] === CARRIAGE_RETURN ? after[1] : after[0];
  return next === undefined || next === NEWLINE;
}

/** @returns a digest of the bytes just before `offset`; a rewritten file has another one. */
export async function fingerprintAt(file: FileHandle, offset: number): Promise<string> {
  const length = Math.min(offset, FINGERPRINT_BYTES);
  const bytes = new Uint8Array(length);
  const { bytesRead } = await file.read(bytes, 0, length, offset - length);
  return createHash("sha256").update(bytes.subarray(0, bytesRead)).digest("base64url").slice(0, 22);
}

/** Stands for a line that is too long, and cannot be read as JSON. */
const TOO_LONG = new TextEncoder().encode("(line too long)");

/** Invalid UTF-8 becomes U+FFFD; a byte order mark at the start of a line is dropped, on whichever line it is. */
function decode(bytes: Uint8Array): string[] {
  const lines = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes).split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line) => (line.startsWith(BYTE_ORDER_MARK) ? line.slice(1) : line));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
