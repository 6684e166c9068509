/** Lists the sessions of a database, and tells what changes with every change of each of them. */

import type { SessionId } from "../../session/session.ts";
import type { ListedSession, Rows } from "../agent.ts";
import { asName } from "../shared/json.ts";
import { jsonOf, msOf } from "./values.ts";

/** Where a session is cut off: this message, or from this part of it on, is hidden with everything after it. */
interface Revert {
  messageId: string;
  partId: string | null;
}

export interface SessionRow {
  /** Without the agent's name. */
  id: string;
  parentId: string | null;
  directory: string | null;
  title: unknown;
  version: unknown;
  createdMs: number | null;
  writtenMs: number | null;
  revert: Revert | null;
}

/** What is read of `session`; columns come and go between releases. Never `*`: other columns hold secrets. */
const COLUMNS = [
  "id",
  "parent_id",
  "directory",
  "title",
  "version",
  "time_created",
  "time_updated",
  "revert",
];

/**
 * A session that was written less than this long (ms) before the newest one may still be written to without a new
 * `time_updated` of its own.
 */
const LIVE_MS = 3 * 24 * 60 * 60_000;

export function* sessions(rows: Rows): Generator<ListedSession, void, void> {
  const all = select(rows, "");
  const sequences = sequencesOf(rows);
  const newestMs = Math.max(...all.map(({ writtenMs }) => writtenMs ?? 0));
  for (const session of all) {
    const { id, parentId } = session;
    const writtenMs = session.writtenMs ?? 0;
    yield {
      id: `opencode:${id}`,
      token: tokenOf(rows, session, sequences.get(id) ?? null, newestMs - writtenMs < LIVE_MS),
      writtenMs,
      isSubagent: parentId !== null,
    };
  }
}

export function token(rows: Rows, id: SessionId): string | null {
  // With all others: whether the session is recent enough for a close look depends on them.
  for (const session of sessions(rows)) if (session.id === id) return session.token;
  return null;
}

export function sessionRow(rows: Rows, id: SessionId): SessionRow | null {
  const [row] = select(rows, "WHERE id = ?", id.slice(id.indexOf(":") + 1));
  return row ?? null;
}

function select(rows: Rows, where: string, ...parameters: string[]): SessionRow[] {
  const has = rows.columns("session");
  if (!has.has("id")) return [];
  const columns = COLUMNS.filter((column) => has.has(column)).join(", ");
  return rows.all(`SELECT ${columns} FROM session ${where}`, ...parameters).flatMap((row) => {
    const id = asName(row["id"]);
    if (id === null) return [];
    return {
      id,
      parentId: asName(row["parent_id"]),
      directory: asName(row["directory"]),
      title: row["title"],
      version: row["version"],
      createdMs: msOf(row["time_created"]),
      writtenMs: msOf(row["time_updated"]),
      revert: revertOf(row["revert"]),
    };
  });
}

/** Newer releases number every change of a session. */
function sequencesOf(rows: Rows): Map<string, number> {
  const has = rows.columns("event_sequence");
  if (!has.has("aggregate_id") || !has.has("seq")) return new Map();
  const all = rows.all("SELECT aggregate_id, seq FROM event_sequence");
  return new Map(all.map(({ aggregate_id: id, seq }) => [String(id), Number(seq)]));
}

function tokenOf(rows: Rows, session: SessionRow, sequence: number | null, isLive: boolean): string {
  const written = session.writtenMs ?? 0;
  if (sequence !== null) return `seq:${sequence}:${written}`;
  return `rows:${written}:${countsOf(rows, session.id, isLive)}`;
}

/** Counts go down when something is deleted, and times go up when something is changed in place. */
function countsOf(rows: Rows, id: string, isLive: boolean): string {
  const tables = isLive ? ["message", "part"] : ["message"];
  return tables
    .map((table) => {
      const has = rows.columns(table);
      if (!has.has("session_id")) return "";
      const newest = isLive && has.has("time_updated") ? "max(time_updated)" : "0";
      const [row] = rows.all(
        `SELECT count(*) AS count, ${newest} AS newest FROM ${table} WHERE session_id = ?`,
        id,
      );
      return `${String(row?.["count"])}-${String(row?.["newest"])}`;
    })
    .join(":");
}

function revertOf(value: unknown): Revert | null {
  const revert = jsonOf(value);
  const messageId = asName(revert["messageID"]);
  return messageId === null ? null : { messageId, partId: asName(revert["partID"]) };
}
