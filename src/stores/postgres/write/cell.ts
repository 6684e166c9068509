/** Makes values fit the types of their columns, so that no content of a transcript can make a sync fail. */

import type { Cell } from "../../shared/draft-rows.ts";
import { storable } from "../sql/storable-text.ts";
import type { ColumnType } from "../../../session/column.ts";

/** A JSON value. */
export type JsonCell = string | number | boolean | null;

const INTEGER = { min: -(2 ** 31), max: 2 ** 31 - 1 };
const BIGINT = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

/** @returns the value that the column can hold: the nearest integer, and null for an invalid time. */
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

/** @returns the nearest integer of four bytes. */
export function clampInteger(value: number): number {
  return Number.isNaN(value) ? 0 : Math.trunc(Math.min(Math.max(value, INTEGER.min), INTEGER.max)) + 0;
}

/** As text, because it can exceed the safe integers. */
function clampBigint(value: string | number | bigint | boolean): string {
  if (value === Number.POSITIVE_INFINITY) return String(BIGINT.max);
  if (value === Number.NEGATIVE_INFINITY) return String(BIGINT.min);
  if (Number.isNaN(value)) return "0";
  const whole = typeof value === "number" ? BigInt(Math.trunc(value)) : BigInt(value);
  if (whole > BIGINT.max) return String(BIGINT.max);
  return String(whole < BIGINT.min ? BIGINT.min : whole);
}

/** Only years that RFC 3339 can write: the server accepts more as a time, and rejects anything invalid. */
function timeOrNull(text: string): string | null {
  if (!/^\d{4}-\d\d-\d\dT/.test(text) || text.startsWith("0000")) return null;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) return null;
  const time = new Date(ms).toISOString();
  return /^(?!0000)\d{4}-/.test(time) ? time : null;
}
