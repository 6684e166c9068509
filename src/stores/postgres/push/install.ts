/** Adds the triggers to an archive that is somebody else's, on request, and takes them away again. */

import { WatchError } from "../../../errors.ts";
import { codeOf } from "../connection/error-code.ts";
import type { Link, Row, Run } from "../connection/link.ts";
import { reasonOf } from "../connection/reasons.ts";
import { literal, quoted } from "../identifier.ts";
import { ARCHIVE_TABLE } from "../migrations.ts";
import { FUNCTION, installTrigger, MIN_SERVER_VERSION, removeTrigger } from "./trigger.ts";

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
    if (facts["is_ours"] === true)
      throw new WatchError("usage", "the archive is our own, and has its triggers from `watch pg init`");
    checkServer(facts);
    checkRights(facts, schema);
    for (const statement of installTrigger(schema)) await run(statement, [], LOCKED_MS);
    return facts["has_trigger"] === true ? "renewed" : "installed";
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
    if (facts["is_ours"] === true)
      throw new WatchError("usage", "the archive is our own, and not to be had without them");
    if (facts["function_owner"] === null) return "absent";
    checkServer(facts);
    if (facts["may_drop"] !== true) throw unavailable(ownedBy(facts));
    for (const statement of removeTrigger(schema)) await run(statement, [], LOCKED_MS);
    return "removed";
  });
}

/** What decides whether it can be done: the catalogs tell it to every role. */
async function factsOf(run: Run, schema: string): Promise<Row> {
  const [facts] = await run(
    `SELECT
       pg_catalog.current_setting('server_version_num')::int AS server_version,
       pg_catalog.current_setting('transaction_read_only') = 'on' AS is_read_only,
       pg_catalog.pg_is_in_recovery() AS is_standby,
       current_user::text AS role,
       c.relkind::text AS kind,
       EXISTS (SELECT FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = c.oid AND a.attname = 'id' AND NOT a.attisdropped) AS has_id,
       EXISTS (SELECT FROM pg_catalog.pg_class m
         WHERE m.relnamespace = n.oid AND m.relname = ${literal(ARCHIVE_TABLE)}) AS is_ours,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS may_use,
       pg_catalog.has_schema_privilege(n.oid, 'CREATE') AS may_create,
       pg_catalog.has_table_privilege(c.oid, 'TRIGGER') AS may_trigger,
       pg_catalog.pg_get_userbyid(p.proowner)::text AS function_owner,
       pg_catalog.pg_has_role(p.proowner, 'USAGE') AS may_replace,
       pg_catalog.pg_has_role(p.proowner, 'USAGE') OR pg_catalog.pg_has_role(n.nspowner, 'USAGE') AS may_drop,
       EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND t.tgfoid = p.oid) AS has_trigger
     FROM pg_catalog.pg_namespace n
     LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = 'sessions'
     LEFT JOIN pg_catalog.pg_proc p ON p.pronamespace = n.oid AND p.proname = ${literal(FUNCTION)} AND p.pronargs = 0
     WHERE n.nspname = $1::text`,
    [schema],
  );
  if (facts === undefined) throw new WatchError("archive_unusable", "there is no such schema");
  return facts;
}

function checkTable({ kind, has_id: hasId }: Row): void {
  if (kind === null) throw new WatchError("archive_unusable", "it has no table sessions");
  // A partitioned one is a table as well.
  if (kind !== "r" && kind !== "p")
    throw new WatchError("archive_unusable", "its sessions are no table, but come from elsewhere");
  if (hasId !== true) throw new WatchError("archive_unusable", "its table sessions has no column id");
}

function checkServer(facts: Row): void {
  if (facts["is_standby"] === true) throw unavailable("the server is a standby; name its primary");
  if (facts["is_read_only"] === true) throw unavailable("transactions are read-only here");
  if (Number(facts["server_version"]) < MIN_SERVER_VERSION * 10_000)
    throw unavailable(`it takes PostgreSQL ${MIN_SERVER_VERSION} or newer`);
}

/** @throws WatchError that says what would help. */
function checkRights(facts: Row, schema: string): void {
  const onSchema = [
    ...(facts["may_use"] === true ? [] : ["USAGE"]),
    ...(facts["may_create"] === true ? [] : ["CREATE"]),
  ].join(", ");
  const missing = [
    ...(onSchema === "" ? [] : [`${onSchema} ON SCHEMA ${quoted(schema)}`]),
    ...(facts["may_trigger"] === true ? [] : [`TRIGGER ON ${quoted(schema)}.sessions`]),
  ];
  if (missing.length > 0) {
    const role = quoted(String(facts["role"]));
    const grants = missing.map((right) => `GRANT ${right} TO ${role}`).join("; ");
    throw unavailable(
      `role ${role} needs TRIGGER on the table and CREATE on the schema; their owner can say: ${grants}`,
    );
  }
  if (facts["function_owner"] !== null && facts["may_replace"] !== true) throw unavailable(ownedBy(facts));
}

function ownedBy({ function_owner: owner, role }: Row): string {
  return `they are those of role ${quoted(String(owner))}, and role ${quoted(String(role))} may not touch them`;
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
