/** Reading JSON of which nothing is certain: every accessor gives a value of its type, or null. */

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

export function asObject(value: unknown): Json | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

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

/** @returns the beginning of `text`, at most `length` UTF-16 units and never half a surrogate pair. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  const isHalf = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, isHalf ? length - 1 : length);
}

export function asCount(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? Math.trunc(value) : null;
}

/** @returns the time as RFC 3339 UTC with ms; null if it is none or absurd. */
export function asTime(value: unknown): string | null {
  if (typeof value !== "string") return null;
  const ms = Date.parse(value);
  return Number.isNaN(ms) || ms < 0 || ms > LATEST_MS ? null : new Date(ms).toISOString();
}

/** Year 9999: what RFC 3339 can write. */
const LATEST_MS = 253_402_300_799_999;
