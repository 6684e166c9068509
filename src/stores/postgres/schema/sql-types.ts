/** PostgreSQL's names for the types of columns. */

import type { ColumnType } from "../../../session/column.ts";

export const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  text: "text",
  integer: "integer",
  bigint: "bigint",
  boolean: "boolean",
  time: "timestamptz",
};
