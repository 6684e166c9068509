/** Whether a schema holds our own archive, of which version, and how it comes to hold one. */

import { createHash } from "node:crypto";
import { messageOf, WatchError } from "../../../errors.ts";
import { archiveFailure } from "../../shared/archive-failure.ts";
import { codeOf } from "../connect/error-code.ts";
import type { Link } from "../connect/link.ts";
import type { Run } from "../connect/run.ts";
import { literal, quoted } from "../quoting.ts";
import { ARCHIVE_TABLE, MIGRATIONS, TABLES } from "../migrations.ts";
import { installTrigger, refusalOf } from "../notify/trigger.ts";

/** How long (ms) the server has for a statement that waits for others who run `watch pg init`, or builds an index. */
const PATIENCE_MS = 60_000;

/** Where our own archive is unless another schema is named. */
export const OWN_SCHEMA = "sessionwatch";

/** What this program writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** What a schema is to us. */
export type SchemaState =
  /** Our archive, of that version. */
  | { kind: "ours"; version: number }
  /** Tables that are called like ours, and are not. */
  | { kind: "foreign" }
  /** There is nothing of the kind, or not even a schema. */
  | { kind: "empty"; exists: boolean };

/** From which version to which an archive was brought; 0 if there was none. */
export interface Initialized {
  created: boolean;
  from: number;
  to: number;
}

/**
 * Creates our own archive, or brings it to SCHEMA_VERSION; many may try at once.
 *
 * @param link on which nothing else is run.
 * @throws WatchError `archive_unusable` if the schema is somebody else's, newer than this program, or may not be
 *   created; otherwise as `Link.query` does.
 */
export async function initArchive(link: Link, schema: string): Promise<Initialized> {
  try {
    return await link.transaction((run) => init(run, schema));
  } catch (error) {
    throw isDenied(error)
      ? unusable(schema, `${messageOf(error)}; ask who administers the database`, error)
      : error;
  }
}

/** @throws as `Link.query` does. */
export async function schemaState(run: Run, schema: string): Promise<SchemaState> {
  // Asked of the catalogs: the information schema would hide the tables that this role has no rights to.
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

/**
 * @param name how the archive is called in the message.
 * @throws WatchError `archive_unusable` unless the archive can be written as it is: a shared archive is not upgraded by
 *   whoever comes first.
 */
export function requireWritable(version: number, name: string): void {
  const why = isNewer(version)
    ? newer(version)
    : `it is of schema ${version}, and this sessionwatch writes ${SCHEMA_VERSION}: ` +
      "run `watch pg init`, or only read with --no-sync";
  if (version !== SCHEMA_VERSION) throw archiveFailure("write to", name, why, { code: "archive_unusable" });
}

/** @throws WatchError `archive_unusable` if a newer program has written the archive. */
export function requireReadable(version: number): void {
  if (isNewer(version)) throw new WatchError("archive_unusable", newer(version));
}

/** The server cuts longer names (bytes), and finds nothing under them. */
const NAME_BYTES_MAX = 63;

async function init(run: Run, schema: string): Promise<Initialized> {
  if (schema === "" || Buffer.byteLength(schema) > NAME_BYTES_MAX)
    throw unusable(schema, `a schema's name has 1 to ${NAME_BYTES_MAX} bytes`);
  // Whatever the server's default is: each statement must see what others have committed before it had the lock.
  await run("SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE");
  await refuseOldServer(run, schema);
  // Whoever else does this waits until the end of the transaction, and then sees what was made.
  await run(`SELECT pg_catalog.pg_advisory_xact_lock(${lockKey(schema)})`, [], PATIENCE_MS);
  const state = await schemaState(run, schema);
  if (state.kind === "foreign")
    throw unusable(schema, "it holds tables of another program; name another schema");
  const from = state.kind === "ours" ? state.version : 0;
  if (isNewer(from)) throw unusable(schema, newer(from));
  if (state.kind === "empty") await refuseEncoding(run, schema);
  // A role that may not create schemas can use an empty one that somebody has made for it.
  if (state.kind === "empty" && !state.exists) await run(`CREATE SCHEMA ${quoted(schema)}`);
  for (const migration of MIGRATIONS.slice(from))
    await run(
      migration.replaceAll("$", () => quoted(schema)),
      [],
      PATIENCE_MS,
    );
  if (from < SCHEMA_VERSION)
    await run(`UPDATE ${quoted(schema)}.${ARCHIVE_TABLE} SET schema_version = ${SCHEMA_VERSION}`);
  for (const statement of installTrigger(schema)) await run(statement, [], PATIENCE_MS);
  return { created: state.kind === "empty", from, to: SCHEMA_VERSION };
}

async function refuseOldServer(run: Run, schema: string): Promise<void> {
  const [row] = await run("SELECT pg_catalog.current_setting('server_version_num') AS version");
  const refusal = refusalOf(Number(row?.["version"]));
  if (refusal !== null) throw unusable(schema, refusal);
}

/** Every other encoding lacks characters, and a transcript that has one of them could never be synced. */
async function refuseEncoding(run: Run, schema: string): Promise<void> {
  const [row] = await run("SELECT pg_catalog.current_setting('server_encoding') AS encoding");
  const encoding = String(row?.["encoding"]);
  if (encoding !== "UTF8")
    throw unusable(schema, `the database's encoding is ${encoding}, and has to be UTF8`);
}

function isNewer(version: number): boolean {
  return version > SCHEMA_VERSION;
}

function newer(version: number): string {
  const versions = `schema ${version}; this one knows ${SCHEMA_VERSION}`;
  return `it was written by a newer sessionwatch (${versions}): upgrade watch`;
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
