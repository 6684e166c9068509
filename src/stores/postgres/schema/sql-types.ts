/** What the types of columns are called in PostgreSQL. */

import type { ColumnType } from "../../../session/column.ts";

export const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  text: "text",
  integer: "integer",
  bigint: "bigint",
  boolean: "boolean",
  time: "timestamptz",
};
