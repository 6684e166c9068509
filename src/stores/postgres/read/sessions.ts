/** Queries for an archive's sessions, from the columns that it has. */

import type { ListQuery, SessionPage } from "../../../watch/ports.ts";
import type { SessionId, SessionVersion, Session } from "../../../session/session.ts";
import { decodeCursor, encodeCursor, notOurs } from "../../shared/page-cursor.ts";
import { sessionOf, stateOf, versionName } from "../../shared/session-rows.ts";
import { codeOf } from "../../../async/failure-words.ts";
import type { ResultRow, Run, Value } from "../sql/statement.ts";
import { quoted } from "../sql/quoting.ts";
import type { IntrospectedTables } from "./introspection.ts";
import { asText, asValue, shortTime } from "./values-as-text.ts";

/** How long (ms) a query for a list may take: it may read much of the table. */
const LIST_DEADLINE_MS = 10_000;

/** @returns SQL for the columns of a state, as text. */
export function stateColumns({ columns, sessions }: IntrospectedTables): string {
  const sourceToken = sessions.has("source_token") ? "source_token::text" : "NULL::text";
  const traits = columns.traits.map((column) => `${column}::text AS ${column}`);
  return [
    "id::text AS id",
    `${sourceToken} AS source_token`,
    ...traits,
    ...versionColumns(sessions, columns.version),
  ].join(", ");
}

/** @returns SQL for whether a session is not in the trash. */
export function isKept({ sessions }: IntrospectedTables): string {
  return sessions.has("deleted_at") ? "deleted_at IS NULL" : "TRUE";
}

/** @returns the name of the table. */
export function sessionsOf({ schema }: IntrospectedTables): string {
  return `${quoted(schema)}.sessions`;
}

/** @param rows of `stateColumns`. */
export function statesOf(
  { columns }: IntrospectedTables,
  rows: readonly ResultRow[],
): Map<SessionId, SessionVersion> {
  return new Map(rows.map((row) => [String(row["id"]), stateOf(columns, row)]));
}

/** @returns null for a session that is missing or in the trash. */
export async function readSession(
  run: Run,
  tables: IntrospectedTables,
  id: SessionId,
): Promise<Session | null> {
  if (!tables.canHold(id)) return null;
  const [row] = await run(
    `SELECT ${shownColumns(tables)} FROM ${sessionsOf(tables)} WHERE id = $1 AND ${isKept(tables)}`,
    [id],
  );
  return row === undefined ? null : sessionFrom(tables, row);
}

/** @throws WatchError `usage` if the cursor is not one of ours. */
export async function readSessions(
  run: Run,
  tables: IntrospectedTables,
  query: ListQuery,
): Promise<SessionPage> {
  const { project, agent, machine, activeSince, limit = 100, cursor } = query;
  const after = cursor === undefined ? null : decodeCursor(cursor);
  const given = Object.entries({ project, agent, machine }).filter(isGiven);
  const isImpossible = given.some(
    ([column, value]) => !tables.sessions.has(column) || !tables.canHold(value),
  );
  if (isImpossible) return { sessions: [], nextCursor: null, total: 0 };

  const activity = activityOf(tables);
  const values: Value[] = [];
  const place = (value: Value): string => `$${values.push(value)}`;
  const filters = [isKept(tables), ...given.map(([column, value]) => `${column} = ${place(value)}`)];
  if (activeSince !== undefined) filters.push(`${activity.sql} >= ${place(activeSince)}::${activity.type}`);
  const where = filters.join(" AND ");
  const from = sessionsOf(tables);
  const [counted] = await run(
    `SELECT pg_catalog.count(*)::int AS total FROM ${from} WHERE ${where}`,
    values,
    LIST_DEADLINE_MS,
  );

  const isAfter =
    after === null
      ? ""
      : ` AND (${activity.sql}, id) < (${place(after[0])}::${activity.type}, ${place(after[1])})`;
  const page = run(
    `SELECT ${shownColumns(tables)}, ${asText(activity.sql, activity.type)} AS activity FROM ${from}
     WHERE ${where}${isAfter} ORDER BY ${activity.sql} DESC, id DESC LIMIT ${place(limit + 1)}::int`,
    values,
    LIST_DEADLINE_MS,
  );
  const rows = await (after === null ? page : page.catch(refusedCursor));

  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    sessions: rows.slice(0, limit).map((row) => sessionFrom(tables, row)),
    nextCursor: last === undefined ? null : encodeCursor([String(last["activity"]), String(last["id"])]),
    total: Number(counted?.["total"]),
  };
}

/** Ids that start with `prefix`, their agent's name and colon counted or not; the newest first. */
export async function findIds(
  run: Run,
  tables: IntrospectedTables,
  prefix: string,
  limit: number,
): Promise<SessionId[]> {
  if (!tables.canHold(prefix)) return [];
  const rows = await run(
    `SELECT id FROM ${sessionsOf(tables)} WHERE ${isKept(tables)}
       AND (pg_catalog.starts_with(id, $1)
         OR pg_catalog.starts_with(pg_catalog.substr(id, pg_catalog.strpos(id, ':') + 1), $1))
     ORDER BY ${activityOf(tables).sql} DESC, id DESC LIMIT $2::int`,
    [prefix, limit],
    LIST_DEADLINE_MS,
  );
  return rows.map((row) => String(row["id"]));
}

/** SQL for a session's last activity: its newest known time. Some archives keep times as text. */
function activityOf({ columns, sessions }: IntrospectedTables): { sql: string; type: string } {
  const isTime = columns.activity.every((column) => sessions.get(column) === "timestamp with time zone");
  const type = isTime ? "timestamp with time zone" : "text";
  const times = columns.activity.map((column) =>
    isTime ? column : asText(column, sessions.get(column) ?? ""),
  );
  return { sql: `COALESCE(${[...times, isTime ? "'epoch'::timestamptz" : "''"].join(", ")})`, type };
}

function versionColumns(types: IntrospectedTables["sessions"], columns: readonly string[]): string[] {
  return columns.map((column) => `${asText(column, types.get(column) ?? "")} AS ${versionName(column)}`);
}

function shownColumns({ columns, sessions }: IntrospectedTables): string {
  const shown = columns.shown.map((column) => `${asValue(column, sessions.get(column) ?? "")} AS ${column}`);
  return ["id::text AS id", ...shown, ...versionColumns(sessions, columns.version)].join(", ");
}

function sessionFrom({ columns, sessions }: IntrospectedTables, row: ResultRow): Session {
  return sessionOf(columns, row, (column, text) =>
    sessions.get(column)?.startsWith("timestamp") === true ? shortTime(text) : text,
  );
}

function isGiven(entry: [string, string | undefined]): entry is [string, string] {
  return entry[1] !== undefined;
}

/** The server answers with a data exception if a cursor holds an invalid time, or text that no archive can hold. */
function refusedCursor(error: unknown): never {
  throw codeOf(error)?.startsWith("22") === true ? notOurs(error) : error;
}
