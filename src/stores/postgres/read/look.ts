/**
 * A look at an archive: what it finds, and what a later one needs to find only what has changed since. Rows carry the
 * number of the transaction that has written them, so no clock is asked: neither the order of commits nor anybody's
 * time matters.
 */

import type { Row } from "../connect/run.ts";
import { literal } from "../quoting.ts";
import { isKept, sessionsOf, stateColumns } from "./sessions.ts";
import { signatureOf } from "./tables.ts";
import type { Tables } from "./tables.ts";

/** A moment in the life of a server. */
export interface Place {
  /**
   * Of server, database and table: transactions of another one have other numbers, versions of other columns are
   * others. A server that has crashed gives numbers away that it gave away before.
   */
  life: string;
  /** `xmin:xmax:…`: which transactions were over. */
  snapshot: string;
}

export interface Look extends Place {
  /** How many sessions were counted; null if none was. */
  total: number | null;
  /** Those of sessions. */
  rows: Row[];
}

/** The archive is not as it was found any more: look at its tables again, and then repeat the question. */
export class StaleTables extends Error {
  override readonly name = "StaleTables";

  constructor() {
    super("the archive's tables have changed");
  }
}

/** Rows know half of the number of their transaction: so many later, those that came before seem to come after. */
const AGE_MAX = 2n ** 31n;

/** It is the same as long as no transaction of the whole server begins or ends that writes. */
const SNAPSHOT = "pg_catalog.txid_current_snapshot()::text";

/**
 * After the crash of one of its processes the server goes on as the one that was started; but what it counts has gone,
 * and is counted anew from then on.
 */
const SERVER_LIFE = `pg_catalog.pg_postmaster_start_time()::text || '/'
  || COALESCE(pg_catalog.pg_stat_get_bgwriter_stat_reset_time()::text, '')`;

/**
 * A look is rows of `stateColumns` with `kept`, and one more that tells of the look itself: that one has no id, and the
 * signature of the archive in place of a token.
 *
 * @param where SQL that chooses among the sessions.
 * @param total SQL for their number, as text.
 */
export function lookSql(tables: Tables, where: string, total = "NULL"): string {
  const { columns, objectId } = tables;
  const nothing = [...columns.traits, ...columns.version].map(() => "NULL");
  // A database that was made from another one has tables of the same numbers.
  const database = "(SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())";
  const table = literal(`/${[objectId, ...columns.version].join("/")}`);
  const life = `${SERVER_LIFE} || '/' || ${database} || ${table}`;
  const itself = ["NULL", signatureOf(String(objectId)), ...nothing, "NULL", life, SNAPSHOT, total];
  return `
    SELECT ${stateColumns(tables)}, (${isKept(tables)})::text AS kept,
      NULL AS life, NULL AS snapshot, NULL AS total
    FROM ${sessionsOf(tables)} WHERE ${where}
    UNION ALL SELECT ${itself.join(", ")}`;
}

/**
 * @param snapshot SQL for that of an earlier look.
 * @returns SQL for the number of sessions as text, or NULL if nothing was written since that look.
 */
export function countSql(tables: Tables, where: string, snapshot: string): string {
  const count = `SELECT pg_catalog.count(*)::text FROM ${sessionsOf(tables)} WHERE ${where}`;
  return `CASE WHEN ${SNAPSHOT} <> ${snapshot} THEN (${count}) END`;
}

/** @throws StaleTables */
export function lookOf({ signature }: Tables, found: readonly Row[]): Look {
  // Not by its id: where that is no key, somebody's session may lack one.
  const itself = found.find((row) => row["life"] !== null);
  if (itself?.["source_token"] !== signature) throw new StaleTables();
  const { life, snapshot, total } = itself;
  return {
    life: String(life),
    snapshot: String(snapshot),
    total: total === null ? null : Number(total),
    rows: found.filter((row) => row["id"] !== null),
  };
}

/**
 * @param snapshot SQL for that of an earlier look.
 * @param oldest SQL for what `oldestRunning` gives of it.
 * @returns SQL for whether a row may have been written since; without a look at any if nothing was.
 */
export function isWrittenSince(snapshot: string, oldest: string): string {
  return `${SNAPSHOT} <> ${snapshot} AND pg_catalog.age(xmin) <= pg_catalog.age(${oldest}::text::xid)`;
}

/**
 * @returns the snapshot that the server has as long as nothing was written since; one that it never has if that cannot
 *   be told.
 */
export function comparable({ snapshot }: Place): string {
  const [oldest, next, running] = snapshot.split(":");
  // A standby does not name those that are not over, and so has the same one when some of them are.
  return oldest !== next && running === "" ? "" : snapshot;
}

/** @returns the oldest transaction that was not over; rows carry the lower 32 bits of its number. */
export function oldestRunning(place: Place): string {
  return String(BigInt.asUintN(32, boundsOf(place).oldest));
}

/** @returns whether what was found now is all that was written since `place`. */
export function isContinued(place: Place, look: Look): boolean {
  return look.life === place.life && boundsOf(look).next - boundsOf(place).oldest < AGE_MAX;
}

function boundsOf({ snapshot }: Place): { oldest: bigint; next: bigint } {
  const [oldest = "0", next = "0"] = snapshot.split(":");
  return { oldest: BigInt(oldest), next: BigInt(next) };
}
