/** Every table of an archive, with its columns: what stores, routes and documents are made from. */

import type { Column } from "./column.ts";
import { MESSAGE_COLUMNS, TOOL_CALL_COLUMNS } from "./message-columns.ts";
import { SESSION_COLUMNS } from "./session-columns.ts";
import { SYNC_FILE_COLUMNS, SYNC_STATE_COLUMNS } from "./sync-columns.ts";

/** By the table's name. */
export const ARCHIVE_TABLES = {
  sessions: SESSION_COLUMNS,
  messages: MESSAGE_COLUMNS,
  tool_calls: TOOL_CALL_COLUMNS,
  sync_state: SYNC_STATE_COLUMNS,
  sync_files: SYNC_FILE_COLUMNS,
} as const;

export type ArchiveTables = Readonly<Record<keyof typeof ARCHIVE_TABLES, readonly Column[]>>;

/** A column that our own archives of one kind get with a schema version. */
export interface AddedColumn {
  table: string;
  column: Column;
}

/** @returns the columns that a schema version brings. */
export function columnsSince(
  store: "sqlite" | "postgres",
  version: number,
  tables: ArchiveTables = ARCHIVE_TABLES,
): AddedColumn[] {
  return Object.entries(tables).flatMap(([table, columns]) =>
    columns.filter(({ since }) => since?.[store] === version).map((column) => ({ table, column })),
  );
}

/** @returns the schema version that has all columns. */
export function latestVersion(store: "sqlite" | "postgres", tables: ArchiveTables = ARCHIVE_TABLES): number {
  return Math.max(
    ...Object.values(tables).flatMap((columns) => columns.map(({ since }) => since?.[store] ?? 0)),
  );
}
