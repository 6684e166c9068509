/** The tables of our own archive. They have the names of an agentsview archive, so that one reader serves both. */

import type { DatabaseSync } from "node:sqlite";
import type { ColumnType } from "../../../session/column.ts";
import { ARCHIVE_TABLES } from "../../../session/columns.ts";
import type { ArchiveTables } from "../../../session/columns.ts";
import { withAddedColumns } from "../../shared/added-columns.ts";
import { unusable } from "./header.ts";

/** "watc": marks a database file as ours (PRAGMA application_id). */
export const APPLICATION_ID = 0x77617463;

/**
 * Each leads from one schema version (PRAGMA user_version) to the next. Existing archives went through these: never
 * change them.
 */
const RELEASED: readonly string[] = [
  `
  CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL DEFAULT '',
    machine TEXT NOT NULL DEFAULT 'local',
    agent TEXT NOT NULL DEFAULT '',
    first_message TEXT,
    display_name TEXT,
    started_at TEXT,
    ended_at TEXT,
    created_at TEXT NOT NULL,
    message_count INTEGER NOT NULL DEFAULT 0,
    user_message_count INTEGER NOT NULL DEFAULT 0,
    file_path TEXT,
    file_size INTEGER,
    file_mtime INTEGER,
    file_inode INTEGER,
    file_device INTEGER,
    file_hash TEXT,
    local_modified_at TEXT,
    parent_session_id TEXT,
    relationship_type TEXT NOT NULL DEFAULT '',
    total_output_tokens INTEGER NOT NULL DEFAULT 0,
    peak_context_tokens INTEGER NOT NULL DEFAULT 0,
    has_total_output_tokens INTEGER NOT NULL DEFAULT 0,
    has_peak_context_tokens INTEGER NOT NULL DEFAULT 0,
    cwd TEXT,
    git_branch TEXT,
    source_session_id TEXT,
    source_version TEXT,
    parser_malformed_lines INTEGER NOT NULL DEFAULT 0,
    deleted_at TEXT,
    -- Ours: the transcript's state when it was last synced.
    source_token TEXT
  );
  CREATE INDEX sessions_by_activity ON sessions (COALESCE(ended_at, started_at, created_at, '', '') DESC, id DESC);

  CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    role TEXT NOT NULL,
    content TEXT NOT NULL,
    thinking_text TEXT NOT NULL DEFAULT '',
    timestamp TEXT,
    has_thinking INTEGER NOT NULL DEFAULT 0,
    has_tool_use INTEGER NOT NULL DEFAULT 0,
    content_length INTEGER NOT NULL DEFAULT 0,
    is_system INTEGER NOT NULL DEFAULT 0,
    model TEXT NOT NULL DEFAULT '',
    token_usage TEXT,
    context_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    has_context_tokens INTEGER NOT NULL DEFAULT 0,
    has_output_tokens INTEGER NOT NULL DEFAULT 0,
    claude_message_id TEXT NOT NULL DEFAULT '',
    claude_request_id TEXT NOT NULL DEFAULT '',
    source_type TEXT NOT NULL DEFAULT '',
    source_subtype TEXT NOT NULL DEFAULT '',
    source_uuid TEXT NOT NULL DEFAULT '',
    source_parent_uuid TEXT NOT NULL DEFAULT '',
    is_sidechain INTEGER NOT NULL DEFAULT 0,
    is_compact_boundary INTEGER NOT NULL DEFAULT 0,
    -- Ours: lines with one key are one message, and the blocks that it has already are not added again.
    merge_key TEXT,
    block_hashes TEXT NOT NULL DEFAULT '',
    UNIQUE (session_id, ordinal)
  );
  CREATE UNIQUE INDEX messages_by_key ON messages (session_id, merge_key) WHERE merge_key IS NOT NULL;

  CREATE TABLE tool_calls (
    id INTEGER PRIMARY KEY,
    message_id INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    tool_name TEXT NOT NULL,
    category TEXT NOT NULL,
    tool_use_id TEXT NOT NULL DEFAULT '',
    input_json TEXT,
    skill_name TEXT,
    result_content_length INTEGER,
    result_content TEXT,
    subagent_session_id TEXT
  );
  CREATE INDEX tool_calls_by_message ON tool_calls (message_id);
  CREATE INDEX tool_calls_by_use ON tool_calls (session_id, tool_use_id);

  -- Ours: where the next sync of a session's transcript goes on.
  CREATE TABLE sync_state (
    session_id TEXT PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    offset INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    parser_state TEXT
  );

  CREATE TABLE excluded_sessions (id TEXT PRIMARY KEY);
  `,
  // A transcript may have several files. A parser's revision says what has to be read again.
  `
  ALTER TABLE sessions ADD COLUMN is_automated INTEGER NOT NULL DEFAULT 0;
  -- Ours: what the agent calls the session; display_name is what the user calls it.
  ALTER TABLE sessions ADD COLUMN title TEXT;

  DROP TABLE sync_state;
  CREATE TABLE sync_state (
    session_id TEXT PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    revision INTEGER NOT NULL,
    parser_state TEXT NOT NULL
  );
  CREATE TABLE sync_files (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    path TEXT NOT NULL,
    token TEXT NOT NULL,
    offset INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    mtime INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    device INTEGER NOT NULL,
    PRIMARY KEY (session_id, position)
  ) WITHOUT ROWID;

  -- Two prompts that follow the same record: the person has rewound.
  CREATE INDEX messages_by_predecessor ON messages (session_id, source_parent_uuid)
    WHERE role = 'user' AND is_system = 0 AND is_sidechain = 0;
  `,
  // Lets followers of all sessions ask which ones have changed since their last question.
  `
  -- One row per session, also after it was deleted. Triggers replace the row at each change.
  CREATE TABLE session_changes (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id TEXT NOT NULL UNIQUE
  );
  INSERT INTO session_changes (session_id) SELECT id FROM sessions;
  CREATE TRIGGER session_inserted AFTER INSERT ON sessions BEGIN
    DELETE FROM session_changes WHERE session_id = NEW.id;
    INSERT INTO session_changes (session_id) VALUES (NEW.id);
  END;
  CREATE TRIGGER session_updated AFTER UPDATE ON sessions BEGIN
    DELETE FROM session_changes WHERE session_id = NEW.id;
    INSERT INTO session_changes (session_id) VALUES (NEW.id);
  END;
  CREATE TRIGGER session_deleted AFTER DELETE ON sessions BEGIN
    DELETE FROM session_changes WHERE session_id = OLD.id;
    INSERT INTO session_changes (session_id) VALUES (OLD.id);
  END;
  `,
];

const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  text: "TEXT",
  integer: "INTEGER",
  bigint: "INTEGER",
  boolean: "INTEGER",
  time: "TEXT",
};

/** @returns the migrations; each leads from one schema version to the next. */
export function sqliteMigrations(tables: ArchiveTables = ARCHIVE_TABLES): string[] {
  return withAddedColumns(
    RELEASED,
    {
      store: "sqlite",
      tableOf: (name) => name,
      typeOf: ({ type }) => SQL_TYPES[type],
      literal: (value) =>
        typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(Number(value)),
    },
    tables,
  );
}

export const SQLITE_MIGRATIONS: readonly string[] = sqliteMigrations();
/** The schema version that this program writes. */
const SCHEMA_VERSION = SQLITE_MIGRATIONS.length;

/**
 * Brings our own archive to SCHEMA_VERSION. Several processes may do so at once.
 *
 * @throws WatchError `archive_unusable` if the file is foreign, or newer than this program.
 */
export function migrate(db: DatabaseSync, path: string): void {
  if (schemaOf(db, path) === SCHEMA_VERSION) return;
  db.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have been faster.
    for (const migration of SQLITE_MIGRATIONS.slice(schemaOf(db, path))) db.exec(migration);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`);
    db.exec("COMMIT");
  } catch (error) {
    // SQLite has rolled back by itself after some errors (a full disk).
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/**
 * @returns our schema version; 0 for a database without tables.
 * @throws WatchError `archive_unusable` if the file is foreign, or newer than this program.
 */
export function schemaOf(db: DatabaseSync, path: string): number {
  const version = pragma(db, "user_version");
  if (pragma(db, "application_id") !== APPLICATION_ID) {
    const isEmpty = db.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
    if (isEmpty) return 0;
    throw unusable(path, "it is not a sessionwatch archive; to read it, name it with --db");
  }
  if (version <= SCHEMA_VERSION) return version;
  const versions = `schema ${version}; this one knows ${SCHEMA_VERSION}`;
  throw unusable(path, `it was written by a newer sessionwatch (${versions}): upgrade watch`);
}

/** @returns whether sessionwatch created the file. */
export function isOurs(db: DatabaseSync): boolean {
  return pragma(db, "application_id") === APPLICATION_ID;
}

function pragma(db: DatabaseSync, name: "application_id" | "user_version"): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}
