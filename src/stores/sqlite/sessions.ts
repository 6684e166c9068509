/** The queries over an archive's sessions, made of the columns that it has. */

import { createHash } from "node:crypto";
import { WatchError } from "../../errors.ts";
import type { ListQuery, SessionPage } from "../../watch/ports.ts";
import type { SessionId, SessionState, SessionSummary, Version } from "../../watch/session.ts";
import type { Connection } from "./connection.ts";

/** Whatever changes a session changes one of these (formats: "Version inputs"). */
const VERSION_COLUMNS = [
  "message_count",
  "file_mtime",
  "file_hash",
  "local_modified_at",
  "transcript_revision",
  "termination_status",
  "deleted_at",
  // Not of the session itself, but of where it belongs: those who follow a project's are told.
  "project",
];

/** What a list shows. Not the file's mtime and inode: they exceed what JSON readers can hold. */
const SUMMARY_COLUMNS = [
  "project",
  "machine",
  "agent",
  "first_message",
  "display_name",
  "title",
  "started_at",
  "ended_at",
  "created_at",
  "message_count",
  "user_message_count",
  "parent_session_id",
  "relationship_type",
  "total_output_tokens",
  "peak_context_tokens",
  "cwd",
  "git_branch",
  "file_path",
  "termination_status",
  "outcome",
  "parser_malformed_lines",
  "is_automated",
];

const TRAITS = ["project", "agent", "machine"];

type Row = Record<string, unknown>;

/** Sessions that are missing or in the trash are left out. */
export function readStates(connection: Connection, ids: readonly SessionId[]): Map<SessionId, SessionState> {
  const statement = connection.prepare(
    `SELECT ${stateColumns(connection)} FROM sessions
     WHERE id IN (SELECT value FROM json_each(?)) AND ${isKept(connection)}`,
  );
  return statesOf(connection, statement.all(JSON.stringify(ids)));
}

/** The whole archive. */
export function readAllStates(connection: Connection): Map<SessionId, SessionState> {
  const statement = connection.prepare(
    `SELECT ${stateColumns(connection)} FROM sessions WHERE ${isKept(connection)}`,
  );
  return statesOf(connection, statement.all());
}

/** @returns null for a session that is missing or in the trash. */
export function readSummary(connection: Connection, id: SessionId): SessionSummary | null {
  const row = connection
    .prepare(`SELECT ${summaryColumns(connection)} FROM sessions WHERE id = ? AND ${isKept(connection)}`)
    .get(id);
  return row === undefined ? null : summaryOf(connection, row);
}

/** @throws WatchError `usage` if the cursor is none of ours. */
export function readSummaries(connection: Connection, query: ListQuery): SessionPage {
  const { project, agent, machine, activeSince, limit = 100, cursor } = query;
  const activity = activityOf(connection);
  const filters: [sql: string, value: string | undefined][] = [
    ["project = ?", project],
    ["agent = ?", agent],
    ["machine = ?", machine],
    [`${activity} >= ?`, activeSince],
  ];
  const given = filters.filter((filter): filter is [string, string] => filter[1] !== undefined);
  const unknown = given.find(
    ([sql]) => /^\w+ =/.test(sql) && !connection.tables.sessions.has(sql.split(" ")[0] ?? ""),
  );
  if (unknown !== undefined) return { sessions: [], nextCursor: null, total: 0 };

  const where = [isKept(connection), ...given.map(([sql]) => sql)].join(" AND ");
  const values = given.map(([, value]) => value);
  const total = connection.prepare(`SELECT count(*) AS total FROM sessions WHERE ${where}`).get(...values);

  const after = cursor === undefined ? null : decodeCursor(cursor);
  const rows = connection
    .prepare(
      `SELECT ${summaryColumns(connection)}, ${activity} AS activity FROM sessions
       WHERE ${where}${after === null ? "" : ` AND (${activity}, id) < (?, ?)`}
       ORDER BY ${activity} DESC, id DESC LIMIT ?`,
    )
    .all(...values, ...(after ?? []), limit + 1);

  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    sessions: rows.slice(0, limit).map((row) => summaryOf(connection, row)),
    nextCursor: last === undefined ? null : encodeCursor(String(last["activity"]), String(last["id"])),
    total: Number(total?.["total"]),
  };
}

/**
 * Ids that start with `prefix`, their agent's name and colon counted or not; the newest first. Compared as bytes,
 * because SQLite's functions on text end at a NUL.
 */
export function findIds(connection: Connection, prefix: string, limit: number): SessionId[] {
  const bytes = new TextEncoder().encode(prefix);
  const rows = connection
    .prepare(
      `SELECT id FROM (SELECT *, CAST(id AS BLOB) AS bytes FROM sessions WHERE ${isKept(connection)})
       WHERE substr(bytes, 1, ?2) = ?1 OR substr(bytes, instr(bytes, x'3a') + 1, ?2) = ?1
       ORDER BY ${activityOf(connection)} DESC, id DESC LIMIT ?3`,
    )
    .all(bytes, bytes.length, limit);
  return rows.map((row) => String(row["id"]));
}

function statesOf(connection: Connection, rows: readonly Row[]): Map<SessionId, SessionState> {
  return new Map(rows.map((row) => [String(row["id"]), stateOf(connection, row)]));
}

function isKept({ tables }: Connection): string {
  return tables.sessions.has("deleted_at") ? "deleted_at IS NULL" : "TRUE";
}

/** When a session was last active: the newest time that is known of it. */
function activityOf({ tables }: Connection): string {
  const columns = ["ended_at", "started_at", "created_at"].filter((column) => tables.sessions.has(column));
  return `COALESCE(${[...columns, "''", "''"].join(", ")})`;
}

/**
 * Somebody else's archive says at most when the transcript that it has read was written: 0 is never, and a whole
 * millisecond all that every runtime can compare it with.
 */
function sourceToken({ tables }: Connection): string {
  if (tables.sessions.has("source_token")) return "source_token";
  if (!tables.sessions.has("file_mtime")) return "NULL";
  return "CAST(NULLIF(CAST(file_mtime AS INTEGER), 0) / 1000000 AS TEXT)";
}

/** As text: nanoseconds do not fit into a JavaScript number. */
function versionColumns({ tables }: Connection): string {
  const columns = VERSION_COLUMNS.filter((column) => tables.sessions.has(column));
  return columns.map((column) => `CAST(${column} AS TEXT) AS version_${column}`).join(", ");
}

function stateColumns(connection: Connection): string {
  const traits = TRAITS.filter((column) => connection.tables.sessions.has(column));
  return ["id", ...traits, `${sourceToken(connection)} AS source_token`, versionColumns(connection)].join(
    ", ",
  );
}

function summaryColumns(connection: Connection): string {
  const columns = SUMMARY_COLUMNS.filter((column) => connection.tables.sessions.has(column));
  return ["id", ...columns, versionColumns(connection)].join(", ");
}

function stateOf(connection: Connection, row: Row): SessionState {
  const sourceToken = row["source_token"];
  return {
    version: versionOf(connection, row),
    messageCount: Number(row["version_message_count"]),
    sourceToken: typeof sourceToken === "string" ? sourceToken : null,
    project: textOrNull(row["project"]),
    agent: textOrNull(row["agent"]),
    machine: textOrNull(row["machine"]),
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function summaryOf(connection: Connection, row: Row): SessionSummary {
  const summary: SessionSummary = {
    id: String(row["id"]),
    version: versionOf(connection, row),
    message_count: Number(row["version_message_count"]),
  };
  for (const column of SUMMARY_COLUMNS) {
    const value = row[column];
    if (value === null || typeof value === "string" || typeof value === "number") summary[column] = value;
  }
  return summary;
}

/** A digest, so that a version fits into an SSE `id:` whatever the archive holds, and survives restarts. */
function versionOf({ tables }: Connection, row: Row): Version {
  const inputs = VERSION_COLUMNS.filter((column) => tables.sessions.has(column)).map(
    (c) => row[`version_${c}`],
  );
  return createHash("sha256").update(JSON.stringify(inputs)).digest("base64url").slice(0, 16);
}

function encodeCursor(activity: string, id: SessionId): string {
  return Buffer.from(JSON.stringify([activity, id])).toString("base64url");
}

function decodeCursor(cursor: string): [activity: string, id: string] {
  try {
    const [activity, id] = JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown[];
    if (typeof activity === "string" && typeof id === "string") return [activity, id];
  } catch (error) {
    throw new WatchError("usage", CURSOR_HELP, { cause: error });
  }
  throw new WatchError("usage", CURSOR_HELP);
}

const CURSOR_HELP = "cursor: not one that this server gave; leave it out to start at the first page";
