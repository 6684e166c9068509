/** The types of the columns that a sync writes, as `migrations.ts` creates them. */

export type ColumnType = "text" | "integer" | "bigint" | "boolean" | "timestamptz";

/** @param column of any of our tables: columns with the same name have the same type. */
export function typeOf(column: string): ColumnType {
  return TYPES[column] ?? (/^(is|has)_/.test(column) ? "boolean" : "text");
}

/** Of all columns except texts and booleans. */
const TYPES: Readonly<Record<string, ColumnType>> = {
  started_at: "timestamptz",
  ended_at: "timestamptz",
  created_at: "timestamptz",
  timestamp: "timestamptz",
  ordinal: "integer",
  message_ordinal: "integer",
  call_index: "integer",
  message_count: "integer",
  user_message_count: "integer",
  peak_context_tokens: "integer",
  parser_malformed_lines: "integer",
  content_length: "integer",
  context_tokens: "integer",
  output_tokens: "integer",
  result_content_length: "integer",
  revision: "integer",
  position: "integer",
  total_output_tokens: "bigint",
  file_size: "bigint",
  file_mtime: "bigint",
  file_inode: "bigint",
  file_device: "bigint",
  offset: "bigint",
  mtime: "bigint",
  inode: "bigint",
  device: "bigint",
};
