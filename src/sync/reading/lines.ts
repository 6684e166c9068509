/** Takes the complete lines from what is read of a growing file. */

import { parseObject } from "../../agents/shared/json.ts";
import { chunksOf } from "./chunks.ts";
import type { ReadableFile } from "./files.ts";

/** A longer line (bytes) is skipped, and counted as malformed. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024;
/** Stands for a line that is too long, and cannot be read as JSON. */
const TOO_LONG = "(line too long)";

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const CLOSING_BRACE = 0x7d;
const BYTE_ORDER_MARK = "\ufeff";

/** Complete lines, without their newlines. */
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
    // A line that is too long is counted, not kept.
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

/**
 * @param offset where `readLines` stopped.
 * @returns false if the last record was incomplete when it was read.
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

/** A byte order mark at the start of a line is dropped, on whichever line it is. */
function linesOf(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line) => (line.startsWith(BYTE_ORDER_MARK) ? line.slice(1) : line));
}
