/** The tables of our own archive; names are those of an agentsview archive, so that one reader serves both. */

import { createHash } from "node:crypto";
import { messageOf, WatchError } from "../../errors.ts";
import { codeOf } from "./connection/error-code.ts";
import { literal, quoted } from "./identifier.ts";
import type { Link, Run } from "./connection/link.ts";
import { installTrigger } from "./push/trigger.ts";

/** The table that marks a schema as ours, and has its version in its one row. */
export const ARCHIVE_TABLE = "sessionwatch_archive";

/** How long (ms) the server has for a statement that waits for others who do the same, or builds an index. */
const PATIENCE_MS = 60_000;

/** Each leads from one schema version to the next; `$` stands for the schema's quoted name. */
const MIGRATIONS: readonly string[] = [
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
    -- A sum: of so many messages that it may be more than each of them can have.
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
  -- Two prompts that follow the same record: the person has rewound. Transcripts may say anything, but what an index holds
  -- must be short: it has the beginnings only, of this and of a call's id.
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
/** What this program writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** What a schema is to us. */
export type SchemaState =
  /** Our archive, of that version. */
  | { kind: "ours"; version: number }
  /** Tables that are called like ours, and are not. */
  | { kind: "foreign" }
  /** There is nothing of the kind, or not even a schema. */
  | { kind: "empty"; exists: boolean };

/** From which version to which an archive was brought; 0 if there was none. */
export interface Initialized {
  created: boolean;
  from: number;
  to: number;
}

/**
 * Creates our own archive, or brings it to SCHEMA_VERSION; many may try at once.
 *
 * @param link on which nothing else is run.
 * @throws WatchError `archive_unusable` if the schema is somebody else's, newer than this program, or may not be created;
 *   otherwise as `Link.query` does.
 */
export async function initArchive(link: Link, schema: string): Promise<Initialized> {
  try {
    return await link.transaction((run) => init(run, schema));
  } catch (error) {
    throw isDenied(error)
      ? unusable(schema, `${messageOf(error)}; ask who administers the database`, error)
      : error;
  }
}

/** @throws as `Link.query` does. */
export async function schemaState(run: Run, schema: string): Promise<SchemaState> {
  // The catalog is asked, which everybody may read, and of tables of any owner.
  const [found] = await run(`
    SELECT
      EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = ${literal(schema)}) AS exists,
      count(*) FILTER (WHERE relname = ${literal(ARCHIVE_TABLE)})::int AS marks,
      count(*)::int AS tables
    FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = ${literal(schema)}
      AND relname IN (${[ARCHIVE_TABLE, ...TABLES].map(literal).join(", ")})`);
  if (found?.["tables"] === 0) return { kind: "empty", exists: found["exists"] === true };
  if (found?.["marks"] === 0) return { kind: "foreign" };
  const [mark] = await run(`SELECT schema_version FROM ${quoted(schema)}.${ARCHIVE_TABLE}`);
  return { kind: "ours", version: Number(mark?.["schema_version"] ?? 0) };
}

/**
 * @param name how the archive is called in the message.
 * @throws WatchError `archive_unusable` unless the archive can be written as it is: a shared archive is not upgraded by
 *   whoever comes first.
 */
export function requireWritable(version: number, name: string): void {
  const why = isNewer(version)
    ? newer(version)
    : `it is of schema ${version}, and this sessionwatch writes ${SCHEMA_VERSION}: run \`watch pg init\``;
  if (version !== SCHEMA_VERSION)
    throw new WatchError("archive_unusable", `Cannot write to archive ${name}: ${why}`);
}

/** @throws WatchError `archive_unusable` if a newer program has written the archive. */
export function requireReadable(version: number): void {
  if (isNewer(version)) throw new WatchError("archive_unusable", newer(version));
}

const TABLES = ["sessions", "messages", "tool_calls", "sync_state", "sync_files", "excluded_sessions"];

/** The server cuts longer names (bytes), and finds nothing under them. */
const NAME_BYTES_MAX = 63;

async function init(run: Run, schema: string): Promise<Initialized> {
  if (schema === "" || Buffer.byteLength(schema) > NAME_BYTES_MAX)
    throw unusable(schema, `a schema's name has 1 to ${NAME_BYTES_MAX} bytes`);
  // Whatever the server's default is: what is there is looked at when the lock was had.
  await run("SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE");
  // Nobody looks at what somebody else is about to change: it takes until the end of the transaction.
  await run(`SELECT pg_catalog.pg_advisory_xact_lock(${lockKey(schema)})`, [], PATIENCE_MS);
  const state = await schemaState(run, schema);
  if (state.kind === "foreign")
    throw unusable(schema, "it holds tables of another program; name another schema");
  const from = state.kind === "ours" ? state.version : 0;
  if (isNewer(from)) throw unusable(schema, newer(from));
  if (state.kind === "empty") await refuseEncoding(run, schema);
  // Whoever may not create schemas may use one that was made for them.
  if (state.kind === "empty" && !state.exists) await run(`CREATE SCHEMA ${quoted(schema)}`);
  for (const migration of MIGRATIONS.slice(from))
    await run(
      migration.replaceAll("$", () => quoted(schema)),
      [],
      PATIENCE_MS,
    );
  if (from < SCHEMA_VERSION)
    await run(`UPDATE ${quoted(schema)}.${ARCHIVE_TABLE} SET schema_version = ${SCHEMA_VERSION}`);
  for (const statement of installTrigger(schema)) await run(statement, [], PATIENCE_MS);
  return { created: state.kind === "empty", from, to: SCHEMA_VERSION };
}

/** Every other encoding lacks characters, and a transcript that has one of them could never be synced. */
async function refuseEncoding(run: Run, schema: string): Promise<void> {
  const [row] = await run("SELECT pg_catalog.current_setting('server_encoding') AS encoding");
  const encoding = String(row?.["encoding"]);
  if (encoding !== "UTF8")
    throw unusable(schema, `the database's encoding is ${encoding}, and has to be UTF8`);
}

function isNewer(version: number): boolean {
  return version > SCHEMA_VERSION;
}

function newer(version: number): string {
  const versions = `schema ${version}; this one knows ${SCHEMA_VERSION}`;
  return `it was written by a newer sessionwatch (${versions}): upgrade watch`;
}

function unusable(schema: string, reason: string, cause?: unknown): WatchError {
  const message = `Cannot create the archive in schema ${JSON.stringify(schema)}: ${reason}`;
  return new WatchError("archive_unusable", message, { cause });
}

/** Insufficient privilege. */
function isDenied(error: unknown): boolean {
  return codeOf(error) === "42501";
}

function lockKey(schema: string): bigint {
  return createHash("sha256").update(`sessionwatch archive ${schema}`).digest().readBigInt64BE();
}
