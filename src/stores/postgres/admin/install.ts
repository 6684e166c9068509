/** Adds the notify triggers to a foreign archive, on request, and removes them again. */

import { WatchError } from "../../../errors.ts";
import { codeOf } from "../../../async/failure-words.ts";
import type { ReconnectingConnection } from "../connect/reconnecting-connection.ts";
import type { Run } from "../sql/statement.ts";
import { postgresReason } from "../sql/postgres-errors.ts";
import { literal, quoted } from "../sql/quoting.ts";
import { ARCHIVE_TABLE } from "../schema/migrations.ts";
import { FUNCTION, installTrigger, refusalOf, removeTrigger } from "../notify/trigger.ts";

/** How long (ms) to wait for a lock on the table: all its writers would wait behind this one. */
const LOCK_MS = 3000;
/** How long (ms) a statement that waits for a lock may take. */
const LOCKED_MS = 2 * LOCK_MS;
/** "watc": held by the process that changes the triggers of a database. */
const LOCK_KEY = 0x77617463;

/**
 * Adds the triggers, or replaces older ones by those of this version.
 *
 * @param connection must not be used elsewhere meanwhile.
 * @throws WatchError `archive_unavailable` if this fails now, or for this role; `archive_unusable` if the schema has no
 *   archive; `usage` for our own archive.
 */
export async function installOn(
  connection: ReconnectingConnection,
  schema: string,
): Promise<"installed" | "renewed"> {
  return await change(connection, `Cannot install triggers in schema ${quoted(schema)}`, async (run) => {
    const facts = await factsOf(run, schema);
    checkTable(facts);
    if (facts.isOurs)
      throw new WatchError("usage", "the archive is our own; `watch pg init` has already added its triggers");
    checkServer(facts);
    checkRights(facts, schema);
    for (const statement of installTrigger(schema)) await run(statement, [], LOCKED_MS);
    return facts.hasTrigger ? "renewed" : "installed";
  });
}

/**
 * Removes the triggers and their function.
 *
 * @param connection must not be used elsewhere meanwhile.
 * @throws WatchError as `installOn` does.
 */
export async function removeFrom(
  connection: ReconnectingConnection,
  schema: string,
): Promise<"removed" | "absent"> {
  return await change(connection, `Cannot remove triggers from schema ${quoted(schema)}`, async (run) => {
    const facts = await factsOf(run, schema);
    if (facts.isOurs) throw new WatchError("usage", "the archive is our own, which always has its triggers");
    if (facts.functionOwner === null) return "absent";
    checkServer(facts);
    if (!facts.mayDrop) throw ownedBy(facts.functionOwner, facts.role);
    for (const statement of removeTrigger(schema)) await run(statement, [], LOCKED_MS);
    return "removed";
  });
}

/** What decides whether the triggers can be added or removed. */
interface Facts {
  /** Its `server_version_num`. */
  serverVersion: number;
  isStandby: boolean;
  isReadOnly: boolean;
  role: string;
  /** `relkind` of `sessions`; null if there is none. */
  kind: string | null;
  hasId: boolean;
  isOurs: boolean;
  /** Who owns the triggers' function; null if there is none. */
  functionOwner: string | null;
  hasTrigger: boolean;
  mayUse: boolean;
  mayCreate: boolean;
  mayTrigger: boolean;
  mayReplace: boolean;
  mayDrop: boolean;
}

/** From the system catalogs, which every role can read. @throws WatchError `archive_unusable` */
async function factsOf(run: Run, schema: string): Promise<Facts> {
  const [row] = await run(
    `SELECT
       pg_catalog.current_setting('server_version_num') AS server_version,
       pg_catalog.pg_is_in_recovery() AS is_standby,
       pg_catalog.current_setting('transaction_read_only') = 'on' AS is_read_only,
       current_user::text AS role,
       c.relkind::text AS kind,
       EXISTS (SELECT FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = c.oid AND a.attname = 'id' AND NOT a.attisdropped) AS has_id,
       EXISTS (SELECT FROM pg_catalog.pg_class m
         WHERE m.relnamespace = n.oid AND m.relname = ${literal(ARCHIVE_TABLE)}) AS is_ours,
       pg_catalog.pg_get_userbyid(p.proowner)::text AS function_owner,
       EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND t.tgfoid = p.oid) AS has_trigger,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS may_use,
       pg_catalog.has_schema_privilege(n.oid, 'CREATE') AS may_create,
       pg_catalog.has_table_privilege(c.oid, 'TRIGGER') AS may_trigger,
       pg_catalog.pg_has_role(p.proowner, 'USAGE') AS may_replace,
       pg_catalog.pg_has_role(p.proowner, 'USAGE') OR pg_catalog.pg_has_role(n.nspowner, 'USAGE') AS may_drop
     FROM pg_catalog.pg_namespace n
     LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = 'sessions'
     LEFT JOIN pg_catalog.pg_proc p ON p.pronamespace = n.oid AND p.proname = ${literal(FUNCTION)} AND p.pronargs = 0
     WHERE n.nspname = $1::text`,
    [schema],
  );
  if (row === undefined) throw new WatchError("archive_unusable", "there is no such schema");
  const isTrue = (column: string): boolean => row[column] === true;
  const textOf = (column: string): string | null => (row[column] === null ? null : String(row[column]));
  return {
    serverVersion: Number(row["server_version"]),
    isStandby: isTrue("is_standby"),
    isReadOnly: isTrue("is_read_only"),
    role: String(row["role"]),
    kind: textOf("kind"),
    hasId: isTrue("has_id"),
    isOurs: isTrue("is_ours"),
    functionOwner: textOf("function_owner"),
    hasTrigger: isTrue("has_trigger"),
    mayUse: isTrue("may_use"),
    mayCreate: isTrue("may_create"),
    mayTrigger: isTrue("may_trigger"),
    mayReplace: isTrue("may_replace"),
    mayDrop: isTrue("may_drop"),
  };
}

function checkTable({ kind, hasId }: Facts): void {
  if (kind === null) throw new WatchError("archive_unusable", "it has no sessions table");
  // A partitioned table is a table as well.
  if (kind !== "r" && kind !== "p") throw new WatchError("archive_unusable", "sessions is not a table");
  if (!hasId) throw new WatchError("archive_unusable", "its sessions table has no id column");
}

function checkServer({ isStandby, isReadOnly, serverVersion }: Facts): void {
  if (isStandby) throw unavailable("the server is a standby; use its primary");
  if (isReadOnly) throw unavailable("the server is read-only");
  const refusal = refusalOf(serverVersion);
  if (refusal !== null) throw unavailable(refusal);
}

/** @throws WatchError that names the missing rights. */
function checkRights(facts: Facts, schema: string): void {
  const onSchema = [...(facts.mayUse ? [] : ["USAGE"]), ...(facts.mayCreate ? [] : ["CREATE"])].join(", ");
  const missing = [
    ...(onSchema === "" ? [] : [`${onSchema} ON SCHEMA ${quoted(schema)}`]),
    ...(facts.mayTrigger ? [] : [`TRIGGER ON ${quoted(schema)}.sessions`]),
  ];
  if (missing.length > 0) {
    const role = quoted(facts.role);
    const grants = missing.map((right) => `GRANT ${right} TO ${role}`).join("; ");
    throw unavailable(
      `role ${role} needs TRIGGER on the table and CREATE on the schema; their owner can grant them: ${grants}`,
    );
  }
  if (facts.functionOwner !== null && !facts.mayReplace) throw ownedBy(facts.functionOwner, facts.role);
}

function ownedBy(owner: string, role: string): WatchError {
  return unavailable(
    `the triggers belong to role ${quoted(owner)}, and role ${quoted(role)} may not change them`,
  );
}

function unavailable(reason: string, cause?: unknown): WatchError {
  return new WatchError("archive_unavailable", reason, { cause });
}

/** Runs `work` in a transaction while no other process changes triggers in this database. */
async function change<T>(
  connection: ReconnectingConnection,
  failed: string,
  work: (run: Run) => Promise<T>,
): Promise<T> {
  try {
    return await connection.transaction(async (run) => {
      await run(`SET LOCAL lock_timeout = ${LOCK_MS}`);
      await run(`SELECT pg_catalog.pg_advisory_xact_lock(${LOCK_KEY})`, [], LOCKED_MS);
      return await work(run);
    });
  } catch (error) {
    const { code, message } = error instanceof WatchError ? error : failureOf(error);
    throw new WatchError(code, `${failed}: ${message}`, { cause: error });
  }
}

/** @returns the failure of the server or the network, in plain words. */
function failureOf(error: unknown): WatchError {
  const code = codeOf(error);
  // lock_not_available and deadlock_detected.
  if (code === "55P03" || code === "40P01")
    return unavailable(`the table was locked for more than ${LOCK_MS / 1000} s; try again later`, error);
  return unavailable(postgresReason(error), error);
}
