/** Reads JSON of unknown shape: every accessor returns a value of its type, or null. */

/** A JSON object, whatever it holds. */
export type Json = Record<string, unknown>;

/** @returns the object that the line holds; null for anything else. */
export function parseObject(line: string): Json | null {
  try {
    return asObject(JSON.parse(line));
  } catch {
    // Transcripts contain torn and glued lines; the caller counts them.
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
 * Empty strings count as absent: writers use both. NUL and unpaired surrogates become U+FFFD, because an archive cannot
 * store them.
 */
export function asString(value: unknown): string | null {
  if (typeof value !== "string" || value === "") return null;
  return value.replaceAll("\0", "\ufffd").toWellFormed();
}

/** For ids, names and paths, which parsers keep in memory. @returns null if the text is too long to be one. */
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

/** @returns null also for absurdly large numbers: the sum of many must stay a safe integer. */
export function asCount(value: unknown): number | null {
  // Turns -0 into 0: JSON reads -0 but writes 0, so equal states would differ after a restart.
  return typeof value === "number" && value >= 0 && value <= COUNT_MAX ? Math.trunc(value) + 0 : null;
}

const COUNT_MAX = 10_000_000_000;

/** @returns the time as RFC 3339 UTC with ms; null if it is none or absurd. */
export function asTime(value: unknown): string | null {
  // Almost every writer uses this form, which stays as it is. Days 29 to 31 need the full check below.
  if (typeof value === "string" && CANONICAL_TIME.test(value)) return value;
  // Runtimes disagree about other forms of a time.
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\d[T ]/.test(value)) return null;
  const ms = Date.parse(value);
  return Number.isNaN(ms) || ms < 0 || ms > LATEST_MS ? null : new Date(ms).toISOString();
}

const CANONICAL_TIME =
  /^(?:19[7-9]\d|[2-9]\d{3})-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3])(?::[0-5]\d){2}\.\d{3}Z$/;
/** The end of the year 9999, the last that RFC 3339 can express. */
const LATEST_MS = 253_402_300_799_999;

/**
 * @returns the value as JSON text.
 * @throws RangeError if it is nested too deeply to be read again. `JSON.stringify` fails by itself only after seconds: its
 *   time grows with the square of the depth.
 */
export function jsonTextOf(value: unknown): string {
  if (isDeeperThan(MAX_DEPTH, value)) throw new RangeError("nested too deeply");
  return JSON.stringify(value ?? null);
}

/** Agents write about ten levels. */
const MAX_DEPTH = 1000;

function isDeeperThan(depth: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth === 0 || Object.values(value).some((member) => isDeeperThan(depth - 1, member));
}
