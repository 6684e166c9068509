/** Reads which sessions have changed since an earlier read of all sessions. */

import type { SessionId, SessionVersion } from "../../../session/session.ts";
import type { Changes, Mark } from "../../../watch/ports.ts";
import { stateOf } from "../../shared/session-rows.ts";
import type { Run } from "../sql/statement.ts";
import type { IntrospectedTables } from "./introspection.ts";
import { isKept, statesOf } from "./sessions.ts";
import {
  comparable,
  countSql,
  isContinued,
  isWrittenSince,
  oldestRunning,
  snapshotRows,
  snapshotSql,
} from "./snapshot.ts";
import type { ServerMoment } from "./snapshot.ts";

/** How long (ms) a read of all sessions may take. */
const COMPLETE_DEADLINE_MS = 30_000;

/**
 * One statement, which scans all rows but returns only those that changed, and scans none if nothing in the whole
 * server has changed.
 *
 * @throws StaleTables
 */
export async function readChanges(run: Run, tables: IntrospectedTables, mark: Mark | null): Promise<Changes> {
  const moment = mark === null || !tables.hasRowVersions ? null : parseMark(mark);
  return (moment && (await readSince(run, tables, moment))) ?? (await readAll(run, tables));
}

/** @returns null if the server is another one or was restarted, or too many transactions have passed. */
async function readSince(
  run: Run,
  tables: IntrospectedTables,
  moment: ServerMoment,
): Promise<Changes | null> {
  const rows = await run(
    snapshotSql(tables, isWrittenSince("$1", "$2"), countSql(tables, isKept(tables), "$1")),
    [comparable(moment), oldestRunning(moment)],
  );
  const found = snapshotRows(tables, rows);
  if (!isContinued(moment, found)) return null;
  const states = new Map<SessionId, SessionVersion | null>(
    found.rows.map((row) => [
      String(row["id"]),
      row["kept"] === "true" ? stateOf(tables.columns, row) : null,
    ]),
  );
  const { total } = found;
  return {
    mark: formatMark(found),
    states,
    total,
    isComplete: false,
    isScan: total !== null,
    isFromNotifications: false,
  };
}

async function readAll(run: Run, tables: IntrospectedTables): Promise<Changes> {
  const found = snapshotRows(
    tables,
    await run(snapshotSql(tables, isKept(tables)), [], COMPLETE_DEADLINE_MS),
  );
  const states = statesOf(tables, found.rows);
  return {
    mark: formatMark(found),
    states,
    total: states.size,
    isComplete: true,
    isScan: true,
    isFromNotifications: false,
  };
}

function formatMark({ life, snapshot }: ServerMoment): Mark {
  return `${life} ${snapshot}`;
}

function parseMark(mark: Mark): ServerMoment | null {
  const [, life, snapshot] = /^(.+) (\d+:\d+:[\d,]*)$/.exec(mark) ?? [];
  return life === undefined || snapshot === undefined ? null : { life, snapshot };
}
