/** Queries for an archive's sessions, made of the columns that it has. */

import type { ListQuery, SessionPage } from "../../../watch/ports.ts";
import type { SessionId, SessionVersion, Session } from "../../../session/session.ts";
import { decodeCursor, encodeCursor } from "../../shared/page-cursor.ts";
import { sessionOf, stateOf, versionName } from "../../shared/session-rows.ts";
import type { ArchiveRow } from "../../shared/session-rows.ts";
import type { SqliteConnection } from "../database/sqlite-connection.ts";

/** @returns the sessions that exist and are not in the trash. */
export function readStates(
  connection: SqliteConnection,
  ids: readonly SessionId[],
): Map<SessionId, SessionVersion> {
  const statement = connection.prepare(
    `SELECT ${stateColumns(connection)} FROM sessions
     WHERE id IN (SELECT value FROM json_each(?)) AND ${isKept(connection)}`,
  );
  return statesOf(connection, statement.all(JSON.stringify(ids)));
}

/** @returns all sessions that are not in the trash. */
export function readAllStates(connection: SqliteConnection): Map<SessionId, SessionVersion> {
  const statement = connection.prepare(
    `SELECT ${stateColumns(connection)} FROM sessions WHERE ${isKept(connection)}`,
  );
  return statesOf(connection, statement.all());
}

/** @returns null for a session that is missing or in the trash. */
export function readSession(connection: SqliteConnection, id: SessionId): Session | null {
  const row = connection
    .prepare(`SELECT ${shownColumns(connection)} FROM sessions WHERE id = ? AND ${isKept(connection)}`)
    .get(id);
  return row === undefined ? null : sessionOf(connection.columns, row);
}

/** @throws WatchError `usage` if no server of ours has made the cursor. */
export function readSessions(connection: SqliteConnection, query: ListQuery): SessionPage {
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
      `SELECT ${shownColumns(connection)}, ${activity} AS activity FROM sessions
       WHERE ${where}${after === null ? "" : ` AND (${activity}, id) < (?, ?)`}
       ORDER BY ${activity} DESC, id DESC LIMIT ?`,
    )
    .all(...values, ...(after ?? []), limit + 1);

  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    sessions: rows.slice(0, limit).map((row) => sessionOf(connection.columns, row)),
    nextCursor: last === undefined ? null : encodeCursor([String(last["activity"]), String(last["id"])]),
    total: Number(total?.["total"]),
  };
}

/**
 * Compares bytes, because SQLite's functions on text end at a NUL.
 *
 * @returns the ids that start with `prefix`, with or without their agent's name and colon; the newest first.
 */
export function findIds(connection: SqliteConnection, prefix: string, limit: number): SessionId[] {
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

function statesOf(connection: SqliteConnection, rows: readonly ArchiveRow[]): Map<SessionId, SessionVersion> {
  return new Map(rows.map((row) => [String(row["id"]), stateOf(connection.columns, row)]));
}

function isKept({ tables }: SqliteConnection): string {
  return tables.sessions.has("deleted_at") ? "deleted_at IS NULL" : "TRUE";
}

function activityOf({ columns }: SqliteConnection): string {
  return `COALESCE(${[...columns.activity, "''", "''"].join(", ")})`;
}

/**
 * A foreign archive has at most the transcript's mtime. 0 stands for none. Whole milliseconds are what every runtime
 * can compare.
 */
function sourceToken({ tables }: SqliteConnection): string {
  if (tables.sessions.has("source_token")) return "source_token";
  if (!tables.sessions.has("file_mtime")) return "NULL";
  return "CAST(NULLIF(CAST(file_mtime AS INTEGER), 0) / 1000000 AS TEXT)";
}

/** As text: nanoseconds do not fit into a JavaScript number. */
function versionColumns({ columns }: SqliteConnection): string {
  return columns.version.map((column) => `CAST(${column} AS TEXT) AS ${versionName(column)}`).join(", ");
}

function stateColumns(connection: SqliteConnection): string {
  const { traits } = connection.columns;
  return ["id", ...traits, `${sourceToken(connection)} AS source_token`, versionColumns(connection)].join(
    ", ",
  );
}

function shownColumns(connection: SqliteConnection): string {
  return ["id", ...connection.columns.shown, versionColumns(connection)].join(", ");
}
