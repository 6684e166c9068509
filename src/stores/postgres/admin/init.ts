/** Creates our own archive in a schema, or upgrades it. */

import { createHash } from "node:crypto";
import { codeOf } from "../../../async/failure-words.ts";
import { messageOf, WatchError } from "../../../errors.ts";
import type { ReconnectingConnection } from "../connect/reconnecting-connection.ts";
import { installTrigger, refusalOf } from "../notify/trigger.ts";
import { ARCHIVE_TABLE, POSTGRES_MIGRATIONS, TABLES } from "../schema/migrations.ts";
import { newerReason, SCHEMA_VERSION } from "../schema/schema-version.ts";
import { literal, quoted } from "../sql/quoting.ts";
import type { Run } from "../sql/statement.ts";

/** How long (ms) a statement may take that waits for another `watch pg init`, or builds an index. */
const SLOW_MS = 60_000;

/** What a schema holds. */
export type SchemaState =
  /** Our archive, of that version. */
  | { kind: "ours"; version: number }
  /** Tables of another program with the names of ours. */
  | { kind: "foreign" }
  /** None of these tables. */
  | { kind: "empty"; exists: boolean };

/** The versions before and after; `from` is 0 if there was no archive. */
export interface Initialized {
  created: boolean;
  from: number;
  to: number;
}

/**
 * Creates our own archive, or upgrades it to SCHEMA_VERSION. Several processes may do so at once.
 *
 * @param connection must not be used elsewhere meanwhile.
 * @throws WatchError `archive_unusable` if the schema belongs to another program, is newer than this one, or cannot be
 *   created; otherwise as `ReconnectingConnection.query` does.
 */
export async function initArchive(connection: ReconnectingConnection, schema: string): Promise<Initialized> {
  try {
    return await connection.transaction((run) => init(run, schema));
  } catch (error) {
    throw isDenied(error)
      ? unusable(schema, `${messageOf(error)}; ask the database's administrator`, error)
      : error;
  }
}

/** @throws as `ReconnectingConnection.query` does. */
export async function schemaState(run: Run, schema: string): Promise<SchemaState> {
  // Not from the information schema, which hides tables that this role has no rights to.
  const [found] = await run(`
    SELECT
      EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = ${literal(schema)}) AS exists,
      count(*) FILTER (WHERE relname = ${literal(ARCHIVE_TABLE)})::int AS marks,
      count(*)::int AS tables
    FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = ${literal(schema)}
      AND relname IN (${[ARCHIVE_TABLE, ...TABLES].map(literal).join(", ")})`);
  if (found?.["tables"] === 0) return { kind: "empty", exists: found["exists"] === true };
  if (found?.["marks"] === 0) return { kind: "foreign" };
  const [mark] = await run(`SELECT schema_version FROM ${quoted(schema)}.${ARCHIVE_TABLE}`);
  return { kind: "ours", version: Number(mark?.["schema_version"] ?? 0) };
}

/** The server cuts longer names (bytes), and then does not find them. */
const NAME_BYTES_MAX = 63;

async function init(run: Run, schema: string): Promise<Initialized> {
  if (schema === "" || Buffer.byteLength(schema) > NAME_BYTES_MAX)
    throw unusable(schema, `the name of a schema has 1 to ${NAME_BYTES_MAX} bytes`);
  // Whatever the server's default is, each statement must see what others committed before it had the lock.
  await run("SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE");
  await refuseOldServer(run, schema);
  // Other processes that do the same wait until this transaction ends, and then see its result.
  await run(`SELECT pg_catalog.pg_advisory_xact_lock(${lockKey(schema)})`, [], SLOW_MS);
  const state = await schemaState(run, schema);
  if (state.kind === "foreign")
    throw unusable(schema, "it holds tables of another program; name another schema");
  const from = state.kind === "ours" ? state.version : 0;
  const newer = newerReason(from);
  if (newer !== null) throw unusable(schema, newer);
  if (state.kind === "empty") await refuseEncoding(run, schema);
  // A role that may not create schemas can use an empty one that was created for it.
  if (state.kind === "empty" && !state.exists) await run(`CREATE SCHEMA ${quoted(schema)}`);
  for (const migration of POSTGRES_MIGRATIONS.slice(from))
    await run(
      migration.replaceAll("$", () => quoted(schema)),
      [],
      SLOW_MS,
    );
  if (from < SCHEMA_VERSION)
    await run(`UPDATE ${quoted(schema)}.${ARCHIVE_TABLE} SET schema_version = ${SCHEMA_VERSION}`);
  for (const statement of installTrigger(schema)) await run(statement, [], SLOW_MS);
  return { created: state.kind === "empty", from, to: SCHEMA_VERSION };
}

async function refuseOldServer(run: Run, schema: string): Promise<void> {
  const [row] = await run("SELECT pg_catalog.current_setting('server_version_num') AS version");
  const refusal = refusalOf(Number(row?.["version"]));
  if (refusal !== null) throw unusable(schema, refusal);
}

/** Every other encoding lacks characters; a transcript that contains one of them could never be synced. */
async function refuseEncoding(run: Run, schema: string): Promise<void> {
  const [row] = await run("SELECT pg_catalog.current_setting('server_encoding') AS encoding");
  const encoding = String(row?.["encoding"]);
  if (encoding !== "UTF8")
    throw unusable(schema, `the encoding of the database is ${encoding}, but it must be UTF8`);
}

function unusable(schema: string, reason: string, cause?: unknown): WatchError {
  const message = `Cannot prepare schema ${JSON.stringify(schema)}: ${reason}`;
  return new WatchError("archive_unusable", message, { cause });
}

/** Insufficient privilege. */
function isDenied(error: unknown): boolean {
  return codeOf(error) === "42501";
}

function lockKey(schema: string): bigint {
  return createHash("sha256").update(`sessionwatch archive ${schema}`).digest().readBigInt64BE();
}
