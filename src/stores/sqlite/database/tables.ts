/** Reads which tables and columns an archive has. They differ between releases of its writer. */

import type { DatabaseSync } from "node:sqlite";
import { unusable } from "./header.ts";
import { isOurs, schemaOf } from "./schema.ts";

/** The names of the columns, by table. */
export interface SqliteTables {
  sessions: ReadonlySet<string>;
  /** Empty if there is no such table. */
  messages: ReadonlySet<string>;
  toolCalls: ReadonlySet<string>;
  sessionChanges: ReadonlySet<string>;
}

/** @throws WatchError `archive_unusable` if it holds no sessions, or was written by a newer sessionwatch. */
export function readTables(db: DatabaseSync, path: string): SqliteTables {
  if (isOurs(db)) schemaOf(db, path);
  const sessions = columnsOf(db, "sessions");
  if (sessions.size === 0) throw unusable(path, "it has no sessions table");
  for (const column of ["id", "message_count"]) {
    if (!sessions.has(column)) throw unusable(path, `its sessions table has no column ${column}`);
  }
  return {
    sessions,
    messages: columnsOf(db, "messages"),
    toolCalls: columnsOf(db, "tool_calls"),
    sessionChanges: columnsOf(db, "session_changes"),
  };
}

function columnsOf(db: DatabaseSync, table: string): Set<string> {
  const rows = db.prepare("SELECT name FROM pragma_table_info(?)").all(table);
  return new Set(rows.map((row) => String(row["name"])));
}
