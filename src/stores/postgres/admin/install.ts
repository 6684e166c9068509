/** Adds the triggers to an archive that is somebody else's, on request, and takes them away again. */

import { WatchError } from "../../../errors.ts";
import { codeOf } from "../connect/error-code.ts";
import type { Link } from "../connect/link.ts";
import type { Run } from "../connect/run.ts";
import { reasonOf } from "../connect/reasons.ts";
import { literal, quoted } from "../quoting.ts";
import { ARCHIVE_TABLE } from "../migrations.ts";
import { FUNCTION, installTrigger, refusalOf, removeTrigger } from "../notify/trigger.ts";

/** How long (ms) a lock may be waited for: all who write to the table would wait behind it. */
const LOCK_MS = 3000;
/** How long (ms) a statement may take that waits for a lock. */
const LOCKED_MS = 2 * LOCK_MS;
/** "watc": whoever changes the triggers of a database holds this lock. */
const LOCK_KEY = 0x77617463;

/**
 * Adds the triggers, or puts those of this version in the place of older ones.
 *
 * @param link is used for nothing else meanwhile.
 * @throws WatchError `archive_unavailable` if that cannot be done now, or not by this role; `archive_unusable` if the
 *   schema has no archive; `usage` for an archive of our own.
 */
export async function installOn(link: Link, schema: string): Promise<"installed" | "renewed"> {
  return await change(link, `Cannot install triggers in schema ${quoted(schema)}`, async (run) => {
    const facts = await factsOf(run, schema);
    checkTable(facts);
    if (facts.isOurs)
      throw new WatchError("usage", "the archive is our own, and has its triggers from `watch pg init`");
    checkServer(facts);
    checkRights(facts, schema);
    for (const statement of installTrigger(schema)) await run(statement, [], LOCKED_MS);
    return facts.hasTrigger ? "renewed" : "installed";
  });
}

/**
 * Leaves nothing of the triggers.
 *
 * @param link is used for nothing else meanwhile.
 * @throws WatchError as `installOn` does.
 */
export async function removeFrom(link: Link, schema: string): Promise<"removed" | "absent"> {
  return await change(link, `Cannot remove triggers from schema ${quoted(schema)}`, async (run) => {
    const facts = await factsOf(run, schema);
    if (facts.isOurs) throw new WatchError("usage", "the archive is our own, and not to be had without them");
    if (facts.functionOwner === null) return "absent";
    checkServer(facts);
    if (!facts.mayDrop) throw ownedBy(facts.functionOwner, facts.role);
    for (const statement of removeTrigger(schema)) await run(statement, [], LOCKED_MS);
    return "removed";
  });
}

/** What decides whether it can be done. */
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

/** From the catalogs, which tell it to every role. @throws WatchError `archive_unusable` */
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
  if (kind === null) throw new WatchError("archive_unusable", "it has no table sessions");
  // A partitioned one is a table as well.
  if (kind !== "r" && kind !== "p")
    throw new WatchError("archive_unusable", "its sessions are no table, but come from elsewhere");
  if (!hasId) throw new WatchError("archive_unusable", "its table sessions has no column id");
}

function checkServer({ isStandby, isReadOnly, serverVersion }: Facts): void {
  if (isStandby) throw unavailable("the server is a standby; name its primary");
  if (isReadOnly) throw unavailable("transactions are read-only here");
  const refusal = refusalOf(serverVersion);
  if (refusal !== null) throw unavailable(refusal);
}

/** @throws WatchError that says what would help. */
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
      `role ${role} needs TRIGGER on the table and CREATE on the schema; their owner can say: ${grants}`,
    );
  }
  if (facts.functionOwner !== null && !facts.mayReplace) throw ownedBy(facts.functionOwner, facts.role);
}

function ownedBy(owner: string, role: string): WatchError {
  return unavailable(`they are those of role ${quoted(owner)}, and role ${quoted(role)} may not touch them`);
}

function unavailable(reason: string, cause?: unknown): WatchError {
  return new WatchError("archive_unavailable", reason, { cause });
}

/** Runs `work` in a transaction, while nobody else changes triggers of this database. */
async function change<T>(link: Link, failed: string, work: (run: Run) => Promise<T>): Promise<T> {
  try {
    return await link.transaction(async (run) => {
      await run(`SET LOCAL lock_timeout = ${LOCK_MS}`);
      await run(`SELECT pg_catalog.pg_advisory_xact_lock(${LOCK_KEY})`, [], LOCKED_MS);
      return await work(run);
    });
  } catch (error) {
    const { code, message } = error instanceof WatchError ? error : troubleOf(error);
    throw new WatchError(code, `${failed}: ${message}`, { cause: error });
  }
}

/** @returns what the server or the network has said, in words that help. */
function troubleOf(error: unknown): WatchError {
  const code = codeOf(error);
  // lock_not_available and deadlock_detected.
  if (code === "55P03" || code === "40P01")
    return unavailable(
      `others were using the table for more than ${LOCK_MS / 1000} s; try again later`,
      error,
    );
  return unavailable(reasonOf(error), error);
}
