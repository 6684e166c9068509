/** What has become of all sessions. */

import type { Changes, Mark } from "../../../watch/ports.ts";
import type { SessionId, SessionVersion } from "../../../session/session.ts";
import { stateOf } from "../../shared/session-rows.ts";
import type { Run } from "../connect/run.ts";
import { comparable, countSql, isContinued, isWrittenSince, lookOf, lookSql, oldestRunning } from "./look.ts";
import type { Place } from "./look.ts";
import { isKept, statesOf } from "./sessions.ts";
import type { Tables } from "./tables.ts";

/** How long (ms) a look at all sessions may take. */
const COMPLETE_DEADLINE_MS = 30_000;

/**
 * One statement. It looks at every row, but brings only what has changed; and at none if nothing in the whole server
 * has.
 *
 * @throws StaleTables
 */
export async function readChanges(run: Run, tables: Tables, mark: Mark | null): Promise<Changes> {
  const place = mark === null || !tables.hasRowVersions ? null : parseMark(mark);
  return (place && (await readSince(run, tables, place))) ?? (await readAll(run, tables));
}

/** @returns null if another server is there now, the same one started anew, or too much has happened since. */
async function readSince(run: Run, tables: Tables, place: Place): Promise<Changes | null> {
  const rows = await run(
    lookSql(tables, isWrittenSince("$1", "$2"), countSql(tables, isKept(tables), "$1")),
    [comparable(place), oldestRunning(place)],
  );
  const look = lookOf(tables, rows);
  if (!isContinued(place, look)) return null;
  const states = new Map<SessionId, SessionVersion | null>(
    look.rows.map((row) => [String(row["id"]), row["kept"] === "true" ? stateOf(tables.columns, row) : null]),
  );
  const { total } = look;
  return {
    mark: formatMark(look),
    states,
    total,
    isComplete: false,
    isScan: total !== null,
    isHearsay: false,
  };
}

async function readAll(run: Run, tables: Tables): Promise<Changes> {
  const rows = await run(lookSql(tables, isKept(tables)), [], COMPLETE_DEADLINE_MS);
  const look = lookOf(tables, rows);
  const states = statesOf(tables, look.rows);
  return {
    mark: formatMark(look),
    states,
    total: states.size,
    isComplete: true,
    isScan: true,
    isHearsay: false,
  };
}

function formatMark({ life, snapshot }: Place): Mark {
  return `${life} ${snapshot}`;
}

function parseMark(mark: Mark): Place | null {
  const [, life, snapshot] = /^(.+) (\d+:\d+:[\d,]*)$/.exec(mark) ?? [];
  return life === undefined || snapshot === undefined ? null : { life, snapshot };
}
