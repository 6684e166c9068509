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
const CLOSING_BRACE = 0x7d;

export interface Lines {
  lines: string[];
  /** Where the next read goes on: the end of the last of these lines. */
  offset: number;
}

/**
 * Splits at the byte 0x0A only: strings may hold U+2028, at which other line readers break. A last line
 * without its newline is given only if it is a complete JSON object, for then nothing can follow on it;
 * otherwise it is still being written. Lines of more than MAX_LINE_BYTES become lines that no parser takes.
 */
export async function* readLines(file: FileHandle, from: number): AsyncGenerator<Lines, void, void> {
  let pieces: Uint8Array[] = [];
  let length = 0;
  let position = from;
  for (;;) {
    const chunk = new Uint8Array(CHUNK_BYTES);
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, position);
    if (bytesRead === 0) break;
    const bytes = chunk.subarray(0, bytesRead);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      const whole =
        length > MAX_LINE_BYTES ? skipLine(bytes, end) : concat([...pieces, bytes.subarray(0, end)]);
      yield { lines: decode(whole), offset: position + end };
      pieces = [];
      length = 0;
    }
    position += bytesRead;
    length += bytesRead - end;
    // What is too long is not kept, only counted.
    if (length <= MAX_LINE_BYTES) pieces.push(bytes.subarray(end));
    else pieces = [];
  }
  const rest = concat(pieces);
  if (rest.at(-1) !== CLOSING_BRACE) return;
  const [line = ""] = decode(rest);
  if (isJson(line)) yield { lines: [line], offset: position };
}

/** @returns a digest of the bytes just before `offset`; a rewritten file has another one. */
export async function fingerprintAt(file: FileHandle, offset: number): Promise<string> {
  const length = Math.min(offset, FINGERPRINT_BYTES);
  const bytes = new Uint8Array(length);
  const { bytesRead } = await file.read(bytes, 0, length, offset - length);
  return createHash("sha256").update(bytes.subarray(0, bytesRead)).digest("base64url").slice(0, 22);
}

/** What is left of a chunk whose first line is too long: that line stands for itself as one that cannot be read. */
function skipLine(bytes: Uint8Array, end: number): Uint8Array {
  const next = bytes.indexOf(NEWLINE);
  return concat([TOO_LONG, bytes.subarray(next, end)]);
}

const TOO_LONG = new TextEncoder().encode("(line too long)");

/** Invalid UTF-8 becomes U+FFFD; a byte order mark at the start of a line is dropped. */
function decode(bytes: Uint8Array): string[] {
  const lines = new TextDecoder().decode(bytes).split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
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
