/** SQLite archives as other programs write them. */

import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** An agentsview archive of v0.10 or so: the columns that have always been there. */
const OLD_COLUMNS = `
  id TEXT PRIMARY KEY, project TEXT NOT NULL, machine TEXT NOT NULL DEFAULT 'local', agent TEXT NOT NULL DEFAULT 'claude',
  first_message TEXT, started_at TEXT, ended_at TEXT, message_count INTEGER NOT NULL DEFAULT 0,
  user_message_count INTEGER NOT NULL DEFAULT 0, file_path TEXT, file_size INTEGER, file_mtime INTEGER, created_at TEXT`;

/** One of v0.41: with everything that a version can depend on. */
const NEW_COLUMNS = `${OLD_COLUMNS}, file_hash TEXT, file_inode INTEGER, file_device INTEGER, local_modified_at TEXT,
  parent_session_id TEXT, relationship_type TEXT NOT NULL DEFAULT '', deleted_at TEXT, display_name TEXT,
  transcript_revision TEXT, termination_status TEXT, cwd TEXT NOT NULL DEFAULT '', git_branch TEXT NOT NULL DEFAULT ''`;

export interface ForeignOptions {
  columns?: "old" | "new";
  /** @default "wal" */
  journal?: "wal" | "delete";
}

/** Creates an agentsview archive and keeps a writing connection to it, as its own server does. */
export class ForeignArchive implements Disposable {
  readonly path: string;
  readonly db: DatabaseSync;

  constructor(path: string, { columns = "new", journal = "wal" }: ForeignOptions = {}) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true });
    this.db = new DatabaseSync(path);
    this.db.exec(`PRAGMA journal_mode = ${journal};
      CREATE TABLE sessions (${columns === "old" ? OLD_COLUMNS : NEW_COLUMNS});
      CREATE TABLE messages (id INTEGER PRIMARY KEY, session_id TEXT NOT NULL, ordinal INTEGER NOT NULL, role TEXT NOT NULL,
        content TEXT NOT NULL, timestamp TEXT, has_thinking INTEGER NOT NULL DEFAULT 0, has_tool_use INTEGER NOT NULL DEFAULT 0,
        content_length INTEGER NOT NULL DEFAULT 0, UNIQUE (session_id, ordinal));
      CREATE TABLE tool_calls (id INTEGER PRIMARY KEY, message_id INTEGER NOT NULL, session_id TEXT NOT NULL,
        tool_name TEXT NOT NULL, category TEXT NOT NULL);
      PRAGMA user_version = ${columns === "old" ? 15 : 90};`);
  }

  /** Adds a session with one message. */
  add(id: string, project = "demo"): this {
    this.db
      .prepare(
        `INSERT INTO sessions (id, project, first_message, started_at, ended_at, created_at, message_count, file_mtime)
         VALUES (?, ?, 'hello', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', 1, 1767225600123456789)`,
      )
      .run(id, project);
    this.db
      .prepare("INSERT INTO messages (session_id, ordinal, role, content) VALUES (?, 0, 'user', 'hello')")
      .run(id);
    return this;
  }

  /** What agentsview does when a session has grown. */
  touch(id: string): this {
    this.db
      .prepare(
        "UPDATE sessions SET message_count = message_count + 1, file_mtime = file_mtime + 1 WHERE id = ?",
      )
      .run(id);
    return this;
  }

  [Symbol.dispose](): void {
    this.db.close();
  }
}
