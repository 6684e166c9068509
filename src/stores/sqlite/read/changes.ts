/** Reads which sessions have changed: from the log of our own archive; a foreign archive gives all sessions. */

import type { Changes, Mark } from "../../../watch/ports.ts";
import type { SessionId, SessionVersion } from "../../../session/session.ts";
import type { SqliteConnection } from "../database/sqlite-connection.ts";
import { readAllStates, readStates } from "./sessions.ts";

/** How far the log was read on one connection. Another connection may be to another file. */
interface Place {
  generation: number;
  sequence: number;
}

/** @returns the sessions that have changed since `mark`, or all sessions. */
export function readChanges(connection: SqliteConnection, mark: Mark | null): Changes {
  if (connection.tables.sessionChanges.size === 0) return completeAnswer("", connection);
  const { generation } = connection;
  const place = mark === null ? null : parseMark(mark);
  if (place?.generation !== generation) {
    // Read before the sessions: a commit in between is reported twice, not missed.
    const newest = connection.prepare("SELECT max(sequence) AS sequence FROM session_changes").get();
    const sequence = Number(newest?.["sequence"]);
    return completeAnswer(formatMark({ generation, sequence }), connection);
  }
  const changed = connection
    .prepare("SELECT sequence, session_id FROM session_changes WHERE sequence > ? ORDER BY sequence")
    .all(place.sequence);
  const ids = changed.map((row) => String(row["session_id"]));
  const sequence = Number(changed.at(-1)?.["sequence"] ?? place.sequence);
  const found = readStates(connection, ids);
  const states = new Map<SessionId, SessionVersion | null>(ids.map((id) => [id, found.get(id) ?? null]));
  return {
    mark: formatMark({ generation, sequence }),
    states,
    isComplete: false,
    total: null,
    isScan: false,
    isFromNotifications: false,
  };
}

function completeAnswer(mark: Mark, connection: SqliteConnection): Changes {
  const states = readAllStates(connection);
  return { mark, states, isComplete: true, total: states.size, isScan: true, isFromNotifications: false };
}

function formatMark({ generation, sequence }: Place): Mark {
  return `${generation}:${sequence}`;
}

function parseMark(mark: Mark): Place {
  const [generation, sequence] = mark.split(":").map(Number);
  return { generation: generation ?? Number.NaN, sequence: sequence ?? Number.NaN };
}
