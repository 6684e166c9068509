/** Values as OpenCode's tables hold them. */

import { parseObject } from "../shared/json.ts";
import type { Json } from "../shared/json.ts";

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
