/** Lists the sessions of a database, each with a token that changes whenever the session does. */

import type { SessionId } from "../../session/session.ts";
import type { ListedSession, Rows } from "../agent.ts";
import { asName, asString } from "../shared/json.ts";
import { msOf } from "../shared/times.ts";

/**
 * Without a sequence number, messages and parts are counted for sessions that were touched this long (ms) before the
 * newest one. OpenCode touches a session when its user goes on with it, so an older one is counted again before its parts
 * change. Counting all of them would read the whole index of `part` at each commit, in databases of several GB.
 */
const COUNTED_MS = 3 * 24 * 60 * 60_000;

/** One query, whatever the number of sessions. @returns the newest session first; none without a `session` table. */
export function sessions(rows: Rows): ListedSession[] {
  const query = queryOf(rows);
  return query === null ? [] : rows.all(`${query} ORDER BY written_ms DESC, id`).flatMap(listed);
}

/** @returns the same token as in the list, from the rows of this session alone; null if it does not exist. */
export function token(rows: Rows, id: SessionId): string | null {
  const query = queryOf(rows);
  if (query === null) return null;
  const [row] = rows.all(`${query} WHERE s.id = ?`, rawIdOf(id));
  return asString(row?.["token"]);
}

/** @returns the id without the agent's name. */
export function rawIdOf(id: SessionId): string {
  return id.slice(id.indexOf(":") + 1);
}

function listed(row: Record<string, unknown>): ListedSession[] {
  const id = asName(row["id"]);
  const token = asString(row["token"]);
  if (id === null || token === null) return [];
  const writtenMs = msOf(row["written_ms"]) ?? 0;
  return [{ id: `opencode:${id}`, token, writtenMs, isSubagent: row["parent_id"] !== null }];
}

function queryOf(rows: Rows): string | null {
  const has = rows.columns("session");
  if (!has.has("id")) return null;
  const updated = has.has("time_updated") ? "s.time_updated" : "NULL";
  const parent = has.has("parent_id") ? "s.parent_id" : "NULL";
  const { token, join } = tokenOf(rows, updated);
  // A real number: the driver refuses an integer that is too large, and the whole list with it.
  return `SELECT s.id AS id, ${parent} AS parent_id, CAST(${updated} AS REAL) AS written_ms, ${token} AS token
    FROM session s ${join}`;
}

function tokenOf(rows: Rows, updated: string): { token: string; join: string } {
  const written = `ifnull(${updated}, 0)`;
  const sequence = rows.columns("event_sequence");
  if (sequence.has("aggregate_id") && sequence.has("seq")) {
    // A session without a number has not changed since its database has the table.
    const number = "CASE WHEN e.seq IS NULL THEN 'rows' ELSE 'seq:' || e.seq END";
    return {
      token: `${number} || ':' || ${written}`,
      join: "LEFT JOIN event_sequence e ON e.aggregate_id = s.id",
    };
  }
  const isRecent =
    updated === "NULL" ? "1" : `${written} > (SELECT max(time_updated) FROM session) - ${COUNTED_MS}`;
  const counts = ["message", "part"].map((table) => countsIn(rows, table)).join(" || ':' || ");
  return {
    token: `'rows:' || ${written} || CASE WHEN ${isRecent} THEN ':' || ${counts} ELSE '' END`,
    join: "",
  };
}

/** Counts go down when something is deleted, and times go up when something is changed in place. */
function countsIn(rows: Rows, table: string): string {
  const has = rows.columns(table);
  if (!has.has("session_id")) return "''";
  const newest = has.has("time_updated") ? "ifnull(max(time_updated), 0)" : "0";
  return `(SELECT count(*) || '-' || ${newest} FROM ${table} WHERE session_id = s.id)`;
}
