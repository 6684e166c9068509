/** All tables of an archive with their columns. Stores, routes and documents are made from them. */

import type { Column } from "./column.ts";
import { MESSAGE_COLUMNS } from "./message-columns.ts";
import { TOOL_CALL_COLUMNS } from "./tool-call-columns.ts";
import { SESSION_COLUMNS } from "./session-columns.ts";
import {
  ARCHIVE_MARK_COLUMNS,
  EXCLUDED_SESSION_COLUMNS,
  SESSION_CHANGE_COLUMNS,
  SYNC_FILE_COLUMNS,
  SYNC_STATE_COLUMNS,
} from "./sync-columns.ts";

/** By the name of the table. */
export const ARCHIVE_TABLES = {
  sessions: SESSION_COLUMNS,
  messages: MESSAGE_COLUMNS,
  tool_calls: TOOL_CALL_COLUMNS,
  sync_state: SYNC_STATE_COLUMNS,
  sync_files: SYNC_FILE_COLUMNS,
  excluded_sessions: EXCLUDED_SESSION_COLUMNS,
  session_changes: SESSION_CHANGE_COLUMNS,
  sessionwatch_archive: ARCHIVE_MARK_COLUMNS,
} as const;

export type ArchiveTables = Readonly<Record<keyof typeof ARCHIVE_TABLES, readonly Column[]>>;

/** A column that a schema version adds. */
export interface AddedColumn {
  table: string;
  column: Column;
}

/** @returns the columns that a schema version adds. */
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
