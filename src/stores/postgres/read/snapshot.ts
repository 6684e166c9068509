/**
 * Reads only the rows that were written since an earlier read. Each row has the number of the transaction that wrote
 * it, so this depends neither on clocks nor on the order of commits.
 */

import { literal } from "../sql/quoting.ts";
import type { ResultRow } from "../sql/statement.ts";
import { signatureOf } from "./introspection.ts";
import type { IntrospectedTables } from "./introspection.ts";
import { isKept, sessionsOf, stateColumns } from "./sessions.ts";

/** A moment of a server. */
export interface ServerMoment {
  /**
   * Identifies server, start, database, table and columns: only within one life can transaction numbers and versions be
   * compared. A server that crashed uses the numbers of transactions again that it lost.
   */
  life: string;
  /** `xmin:xmax:…`: the transactions that were over. */
  snapshot: string;
}

/** The rows that a read found, and when. */
export interface SnapshotRows extends ServerMoment {
  /** How many sessions there are; null if they were not counted. */
  total: number | null;
  rows: ResultRow[];
}

/** The archive's tables have changed: read their columns again, then repeat the query. */
export class StaleTables extends Error {
  override readonly name = "StaleTables";

  constructor() {
    super("the archive's tables have changed");
  }
}

/** Rows have the lower half of their transaction's number, so older transactions than this would seem newer. */
const AGE_MAX = 2n ** 31n;

/** Stays the same as long as no writing transaction of the whole server begins or ends. */
const SNAPSHOT = "pg_catalog.txid_current_snapshot()::text";

/**
 * After the crash of a backend, the server keeps its start time, but its statistics are reset; so both together are
 * needed.
 */
const SERVER_LIFE = `pg_catalog.pg_postmaster_start_time()::text || '/'
  || COALESCE(pg_catalog.pg_stat_get_bgwriter_stat_reset_time()::text, '')`;

/**
 * The result has rows of `stateColumns` with `kept`, and one row that describes the read: without an id, and with the
 * archive's signature in place of a token.
 *
 * @param where SQL that selects sessions.
 * @param total SQL for the number of sessions, as text.
 */
export function snapshotSql(tables: IntrospectedTables, where: string, total = "NULL"): string {
  const { columns, objectId } = tables;
  const nothing = [...columns.traits, ...columns.version].map(() => "NULL");
  // A database that was created from another one as its template has tables with the same object ids.
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
 * @param snapshot SQL for the snapshot of an earlier read.
 * @returns SQL for the number of sessions as text, or NULL if nothing was written since.
 */
export function countSql(tables: IntrospectedTables, where: string, snapshot: string): string {
  const count = `SELECT pg_catalog.count(*)::text FROM ${sessionsOf(tables)} WHERE ${where}`;
  return `CASE WHEN ${SNAPSHOT} <> ${snapshot} THEN (${count}) END`;
}

/** @param found the result of `snapshotSql`. @throws StaleTables */
export function snapshotRows({ signature }: IntrospectedTables, found: readonly ResultRow[]): SnapshotRows {
  // Not by a missing id: where that is no key, a session may lack one too.
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
 * @param snapshot SQL for the snapshot of an earlier read.
 * @param oldest SQL for the result of `oldestRunning` for that read.
 * @returns SQL for whether a row may have been written since; it reads no row if nothing was.
 */
export function isWrittenSince(snapshot: string, oldest: string): string {
  return `${SNAPSHOT} <> ${snapshot} AND pg_catalog.age(xmin) <= pg_catalog.age(${oldest}::text::xid)`;
}

/**
 * @returns the snapshot that the server still has if nothing was written since; a text that differs from every snapshot
 *   if that cannot be known.
 */
export function comparable({ snapshot }: ServerMoment): string {
  const [oldest, next, running] = snapshot.split(":");
  // A standby does not list running transactions, so its snapshot does not change when some of them end.
  return oldest !== next && running === "" ? "" : snapshot;
}

/** @returns the lower 32 bits, as rows have them, of the oldest transaction that was not over. */
export function oldestRunning(moment: ServerMoment): string {
  return String(BigInt.asUintN(32, boundsOf(moment).oldest));
}

/** @returns whether `found` has everything that was written since `moment`. */
export function isContinued(moment: ServerMoment, found: SnapshotRows): boolean {
  return found.life === moment.life && boundsOf(found).next - boundsOf(moment).oldest < AGE_MAX;
}

function boundsOf({ snapshot }: ServerMoment): { oldest: bigint; next: bigint } {
  const [oldest = "0", next = "0"] = snapshot.split(":");
  return { oldest: BigInt(oldest), next: BigInt(next) };
}
