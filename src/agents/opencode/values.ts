/** Values as OpenCode's tables hold them. */

import { parseObject } from "../shared/json.ts";
import type { Json } from "../shared/json.ts";

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

/** @returns the object in a column of JSON text; null if it is damaged. */
export function jsonOf(value: unknown): Json | null {
  return typeof value === "string" ? parseObject(value) : null;
}

/**
 * @param has the columns that the table has; others are null.
 * @param times columns that are read as real numbers: the driver refuses an integer that is too large.
 * @returns a list for `SELECT`.
 */
export function columnsOf(
  has: ReadonlySet<string>,
  names: readonly string[],
  times: readonly string[],
): string {
  return [
    ...names.map((name) => (has.has(name) ? name : `NULL AS ${name}`)),
    ...times.map((name) => (has.has(name) ? `CAST(${name} AS REAL) AS ${name}` : `NULL AS ${name}`)),
  ].join(", ");
}
