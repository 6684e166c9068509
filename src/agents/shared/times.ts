/** Times that a program stores as ms since the epoch. */

/** Year 9999: what RFC 3339 can write. */
const LATEST_MS = 253_402_300_799_999;

/** @returns a time in ms as RFC 3339 UTC; null if it is none. */
export function timeOf(value: unknown): string | null {
  const ms = msOf(value);
  return ms === null ? null : new Date(ms).toISOString();
}

/** @returns null for what is no time in ms. */
export function msOf(value: unknown): number | null {
  return typeof value === "number" && value >= 0 && value <= LATEST_MS ? Math.trunc(value) : null;
}
