/** Creates the tables of our own archive, with agentsview's names, so that one reader serves both. */

import { ARCHIVE_TABLES } from "../../../session/columns.ts";
import type { ArchiveTables } from "../../../session/columns.ts";
import { withAddedColumns } from "../../shared/added-columns.ts";
import { literal } from "../sql/quoting.ts";
import { SQL_TYPES } from "./sql-types.ts";

/** Marks a schema as ours; its one row has the schema version. */
export const ARCHIVE_TABLE = "sessionwatch_archive";

/** The other tables. */
export const TABLES = ["sessions", "messages", "tool_calls", "sync_state", "sync_files", "excluded_sessions"];

/** The released migrations, which existing archives have already run. */
const RELEASED: readonly string[] = [
  `
  CREATE TABLE $.${ARCHIVE_TABLE} (schema_version INTEGER NOT NULL);
  INSERT INTO $.${ARCHIVE_TABLE} VALUES (0);

  -- Ids are compared byte by byte: quickly, and in the same way after every update of the operating system's languages.
  CREATE TABLE $.sessions (
    id TEXT COLLATE "C" PRIMARY KEY,
    project TEXT NOT NULL DEFAULT '',
    machine TEXT NOT NULL,
    agent TEXT NOT NULL DEFAULT '',
    first_message TEXT,
    display_name TEXT,
    started_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    message_count INTEGER NOT NULL DEFAULT 0,
    user_message_count INTEGER NOT NULL DEFAULT 0,
    file_path TEXT,
    file_size BIGINT,
    file_mtime BIGINT,
    file_inode BIGINT,
    file_device BIGINT,
    file_hash TEXT,
    local_modified_at TIMESTAMPTZ,
    parent_session_id TEXT,
    relationship_type TEXT NOT NULL DEFAULT '',
    -- BIGINT: the sum over all messages can exceed the INTEGER of one message.
    total_output_tokens BIGINT NOT NULL DEFAULT 0,
    peak_context_tokens INTEGER NOT NULL DEFAULT 0,
    has_total_output_tokens BOOLEAN NOT NULL DEFAULT FALSE,
    has_peak_context_tokens BOOLEAN NOT NULL DEFAULT FALSE,
    cwd TEXT,
    git_branch TEXT,
    source_session_id TEXT,
    source_version TEXT,
    parser_malformed_lines INTEGER NOT NULL DEFAULT 0,
    is_automated BOOLEAN NOT NULL DEFAULT FALSE,
    deleted_at TIMESTAMPTZ,
    -- Ours: what the agent calls the session; display_name is what the user calls it.
    title TEXT,
    -- Ours: the transcript's state when it was last synced.
    source_token TEXT,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
  );
  CREATE INDEX sessions_by_activity ON $.sessions
    (COALESCE(ended_at, started_at, created_at, 'epoch'::timestamptz) DESC, id DESC);
  CREATE INDEX sessions_by_machine ON $.sessions (machine);

  CREATE TABLE $.messages (
    session_id TEXT COLLATE "C" NOT NULL REFERENCES $.sessions (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    role TEXT NOT NULL,
    content TEXT NOT NULL,
    thinking_text TEXT NOT NULL DEFAULT '',
    timestamp TIMESTAMPTZ,
    has_thinking BOOLEAN NOT NULL DEFAULT FALSE,
    has_tool_use BOOLEAN NOT NULL DEFAULT FALSE,
    content_length INTEGER NOT NULL DEFAULT 0,
    is_system BOOLEAN NOT NULL DEFAULT FALSE,
    model TEXT NOT NULL DEFAULT '',
    token_usage TEXT,
    context_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    has_context_tokens BOOLEAN NOT NULL DEFAULT FALSE,
    has_output_tokens BOOLEAN NOT NULL DEFAULT FALSE,
    claude_message_id TEXT NOT NULL DEFAULT '',
    claude_request_id TEXT NOT NULL DEFAULT '',
    source_type TEXT NOT NULL DEFAULT '',
    source_subtype TEXT NOT NULL DEFAULT '',
    source_uuid TEXT NOT NULL DEFAULT '',
    source_parent_uuid TEXT NOT NULL DEFAULT '',
    is_sidechain BOOLEAN NOT NULL DEFAULT FALSE,
    is_compact_boundary BOOLEAN NOT NULL DEFAULT FALSE,
    -- Ours: lines with one key are one message, and the blocks that it has already are not added again.
    merge_key TEXT COLLATE "C",
    block_hashes TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (session_id, ordinal)
  );
  CREATE UNIQUE INDEX messages_by_key ON $.messages (session_id, merge_key) WHERE merge_key IS NOT NULL;
  -- Finds prompts that follow the same record: the person has rewound. An entry of an index must be short, and
  -- transcripts may say anything: only the beginnings are in it, as of a call's id below.
  CREATE INDEX messages_by_predecessor ON $.messages (session_id, left(source_parent_uuid, 100))
    WHERE role = 'user' AND NOT is_system AND NOT is_sidechain;

  CREATE TABLE $.tool_calls (
    session_id TEXT COLLATE "C" NOT NULL,
    message_ordinal INTEGER NOT NULL,
    call_index INTEGER NOT NULL,
    tool_name TEXT NOT NULL,
    category TEXT NOT NULL,
    tool_use_id TEXT NOT NULL DEFAULT '',
    input_json TEXT,
    skill_name TEXT,
    result_content_length INTEGER,
    result_content TEXT,
    subagent_session_id TEXT,
    PRIMARY KEY (session_id, message_ordinal, call_index),
    FOREIGN KEY (session_id, message_ordinal) REFERENCES $.messages (session_id, ordinal) ON DELETE CASCADE
  );
  CREATE INDEX tool_calls_by_use ON $.tool_calls (session_id, left(tool_use_id, 100));

  -- Ours: where the next sync of a session's transcript goes on.
  CREATE TABLE $.sync_state (
    session_id TEXT COLLATE "C" PRIMARY KEY REFERENCES $.sessions (id) ON DELETE CASCADE,
    revision INTEGER NOT NULL,
    parser_state TEXT NOT NULL
  );
  CREATE TABLE $.sync_files (
    session_id TEXT COLLATE "C" NOT NULL REFERENCES $.sessions (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    path TEXT NOT NULL,
    token TEXT NOT NULL,
    "offset" BIGINT NOT NULL,
    fingerprint TEXT NOT NULL,
    mtime BIGINT NOT NULL,
    inode BIGINT NOT NULL,
    device BIGINT NOT NULL,
    PRIMARY KEY (session_id, position)
  );

  CREATE TABLE $.excluded_sessions (id TEXT COLLATE "C" PRIMARY KEY);
  `,
];

/** @returns the migrations from each schema version to the next; `$` stands for the schema's quoted name. */
export function postgresMigrations(tables: ArchiveTables = ARCHIVE_TABLES): string[] {
  return withAddedColumns(
    RELEASED,
    {
      store: "postgres",
      tableOf: (name) => `$.${name}`,
      typeOf: ({ type }) => SQL_TYPES[type],
      literal: (value) => (typeof value === "string" ? literal(value) : String(value).toUpperCase()),
    },
    tables,
  );
}

export const POSTGRES_MIGRATIONS: readonly string[] = postgresMigrations();
