/**
 * Which sessions have changed: those whose rows were written by transactions that an earlier look could not see yet. No
 * clock is asked: neither the order of commits nor the writers' clocks matter.
 */

import type { Changes, Mark } from "../../watch/ports.ts";
import type { SessionId, SessionState } from "../../watch/session.ts";
import { stateOf } from "../shared/session-rows.ts";
import type { Row, Run } from "./link.ts";
import { isKept, sessionsOf, stateColumns, statesOf } from "./sessions.ts";
import { lookRow, takeApart } from "./states.ts";
import type { Tables } from "./tables.ts";

/** A moment in the life of one server. */
interface Place {
  /** Of the server, the database and the table: transactions of another one have other numbers. */
  life: string;
  /** `xmin:xmax:…`: which transactions were over. */
  snapshot: string;
}

interface Look extends Place {
  /** How many sessions there are; null if none was looked at. */
  total: number | null;
  sessions: Row[];
}

/** How long (ms) a look at all sessions may take. */
const COMPLETE_DEADLINE_MS = 30_000;
const SNAPSHOT = "pg_catalog.txid_current_snapshot()::text";

/**
 * One statement. It looks at every row, but brings only what has changed; and at none if no transaction of the whole server
 * has ended since.
 *
 * @throws StaleTables
 */
export async function readChanges(run: Run, tables: Tables, mark: Mark | null): Promise<Changes> {
  const place = mark === null || !tables.hasRowVersions ? null : parseMark(mark);
  if (place === null) return await readAll(run, tables);
  const from = sessionsOf(tables);
  const count = `(SELECT pg_catalog.count(*)::text FROM ${from} WHERE ${isKept(tables)})`;
  const rows = await run(
    `SELECT ${stateColumns(tables)}, (${isKept(tables)})::text AS kept, NULL AS life, NULL AS snapshot, NULL AS total
     FROM ${from} WHERE ${SNAPSHOT} <> $1 AND pg_catalog.age(xmin) <= pg_catalog.age($2::text::xid)
     UNION ALL ${lookRow(tables, lookColumns(tables, `CASE WHEN ${SNAPSHOT} <> $1 THEN ${count} END`))}`,
    [place.snapshot, oldestRunning(place)],
  );
  const { life, snapshot, total, sessions } = lookOf(tables, rows);
  // Another server is there now, or the same one started anew.
  if (life !== place.life) return await readAll(run, tables);
  const states = new Map<SessionId, SessionState | null>(
    sessions.map((row) => [String(row["id"]), row["kept"] === "true" ? stateOf(tables.columns, row) : null]),
  );
  return { mark: formatMark({ life, snapshot }), states, total, isComplete: false, isScan: total !== null };
}

async function readAll(run: Run, tables: Tables): Promise<Changes> {
  const rows = await run(
    `SELECT ${stateColumns(tables)}, NULL AS kept, NULL AS life, NULL AS snapshot, NULL AS total
     FROM ${sessionsOf(tables)} WHERE ${isKept(tables)}
     UNION ALL ${lookRow(tables, lookColumns(tables, "NULL"))}`,
    [],
    COMPLETE_DEADLINE_MS,
  );
  const look = lookOf(tables, rows);
  const states = statesOf(tables, look.sessions);
  return { mark: formatMark(look), states, total: states.size, isComplete: true, isScan: true };
}

/** @returns SQL for what tells of the look itself. @param total SQL for the number of sessions. */
function lookColumns({ objectId }: Tables, total: string): string[] {
  // A database that was made from another one has tables of the same numbers.
  const database = "(SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())";
  const life = `pg_catalog.pg_postmaster_start_time()::text || '/' || ${database} || '/${objectId}'`;
  return ["NULL", life, SNAPSHOT, total];
}

/** @throws StaleTables */
function lookOf(tables: Tables, rows: readonly Row[]): Look {
  const { look, sessions } = takeApart(tables, rows);
  const { life, snapshot, total } = look;
  return {
    life: String(life),
    snapshot: String(snapshot),
    total: total === null ? null : Number(total),
    sessions,
  };
}

/** The oldest transaction that was not over; rows carry the lower 32 bits of its number. */
function oldestRunning({ snapshot }: Place): string {
  return String(BigInt.asUintN(32, BigInt(snapshot.split(":")[0] ?? "0")));
}

function formatMark({ life, snapshot }: Place): Mark {
  return `${life} ${snapshot}`;
}

function parseMark(mark: Mark): Place | null {
  const [, life, snapshot] = /^(.+) (\d+:\d+:[\d,]*)$/.exec(mark) ?? [];
  return life === undefined || snapshot === undefined ? null : { life, snapshot };
}
