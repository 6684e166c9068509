/** What the types of columns make of values: nothing that a transcript holds may be a reason to refuse it. */

import type { Cell } from "../../shared/draft-rows.ts";
import { storable } from "../storable.ts";
import type { ColumnType } from "../../../session/column.ts";

/** A value as JSON has it. */
export type JsonCell = string | number | boolean | null;

const INTEGER = { min: -(2 ** 31), max: 2 ** 31 - 1 };
const BIGINT = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

/** @returns what the column holds of a value: integers come as near as they can, and what is no time is none. */
export function cellAs(type: ColumnType, value: Cell): JsonCell {
  if (value === null) return null;
  switch (type) {
    case "text":
      return storable(String(value));
    case "integer":
      return clampInteger(Number(value));
    case "bigint":
      return clampBigint(value);
    case "boolean":
      return Boolean(value);
    case "time":
      return timeOrNull(String(value));
  }
}

/** @returns a whole number that fits into four bytes. */
export function clampInteger(value: number): number {
  return Number.isNaN(value) ? 0 : Math.trunc(Math.min(Math.max(value, INTEGER.min), INTEGER.max)) + 0;
}

/** As text: it may be more than a number holds. */
function clampBigint(value: string | number | bigint | boolean): string {
  if (value === Number.POSITIVE_INFINITY) return String(BIGINT.max);
  if (value === Number.NEGATIVE_INFINITY) return String(BIGINT.min);
  if (Number.isNaN(value)) return "0";
  const whole = typeof value === "number" ? BigInt(Math.trunc(value)) : BigInt(value);
  if (whole > BIGINT.max) return String(BIGINT.max);
  return String(whole < BIGINT.min ? BIGINT.min : whole);
}

/** Of the years that RFC 3339 can write; the server would take more than that for a time, and refuse what is none. */
function timeOrNull(text: string): string | null {
  if (!/^\d{4}-\d\d-\d\dT/.test(text) || text.startsWith("0000")) return null;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) return null;
  const time = new Date(ms).toISOString();
  return /^(?!0000)\d{4}-/.test(time) ? time : null;
}
