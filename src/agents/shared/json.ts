/** Reading JSON of which nothing is certain: every accessor gives a value of its type, or null. */

/** A JSON object, whatever it holds. */
export type Json = Record<string, unknown>;

/** @returns the object that the line holds; null for anything else. */
export function parseObject(line: string): Json | null {
  try {
    return asObject(JSON.parse(line));
  } catch {
    // Torn and glued lines are a fact of life in transcripts; the caller counts them.
    return null;
  }
}

/** @returns null for arrays too. */
export function asObject(value: unknown): Json | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

/** @returns an empty array for anything else. */
export function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/**
 * Empty strings count as absent: writers use both. NUL and halves of surrogate pairs become U+FFFD: JSON can say
 * them, but no archive gives them back as they were.
 */
export function asString(value: unknown): string | null {
  if (typeof value !== "string" || value === "") return null;
  return value.replaceAll("\0", "\ufffd").toWellFormed();
}

/** For ids, names and paths, of which much is remembered: what is longer than any of them is none. */
export function asName(value: unknown): string | null {
  const text = asString(value);
  return text === null || text.length > NAME_MAX ? null : text;
}

/** UTF-16 units. */
const NAME_MAX = 4096;

/** @returns the beginning of `text`, at most `length` UTF-16 units and never half a surrogate pair. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  const isHalf = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, isHalf ? length - 1 : length);
}

/** @returns null also for what is absurd: sums of many must still be whole numbers. */
export function asCount(value: unknown): number | null {
  // JSON can say -0, and forgets it when it is written: two states that are equal must also look so.
  return typeof value === "number" && value >= 0 && value <= COUNT_MAX ? Math.trunc(value) + 0 : null;
}

const COUNT_MAX = 10_000_000_000;

/** @returns the time as RFC 3339 UTC with ms; null if it is none or absurd. */
export function asTime(value: unknown): string | null {
  // As almost every writer writes it, it stays as it is; days that not every month has are looked at more closely.
  if (typeof value === "string" && CANONICAL_TIME.test(value)) return value;
  // What else runtimes take for a time, each takes in its own way.
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\d[T ]/.test(value)) return null;
  const ms = Date.parse(value);
  return Number.isNaN(ms) || ms < 0 || ms > LATEST_MS ? null : new Date(ms).toISOString();
}

const CANONICAL_TIME =
  /^(?:19[7-9]\d|[2-9]\d{3})-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3])(?::[0-5]\d){2}\.\d{3}Z$/;
/** Year 9999: what RFC 3339 can write. */
const LATEST_MS = 253_402_300_799_999;

/**
 * @returns the value as JSON text.
 * @throws RangeError when it is nested so deeply that nobody could read it again. Writers find that out by themselves
 *   only after seconds: their time grows with the square of the depth.
 */
export function jsonTextOf(value: unknown): string {
  if (isDeeperThan(MAX_DEPTH, value)) throw new RangeError("nested too deeply");
  return JSON.stringify(value ?? null);
}

/** What agents write is some ten levels deep. */
const MAX_DEPTH = 1000;

function isDeeperThan(depth: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth === 0 || Object.values(value).some((member) => isDeeperThan(depth - 1, member));
}
