/** Reads from the system catalogs which tables, columns and triggers an archive has. */

import { WatchError } from "../../../errors.ts";
import { sessionColumns } from "../../shared/session-rows.ts";
import type { KnownColumns } from "../../shared/session-rows.ts";
import { quoted } from "../sql/quoting.ts";
import type { Run } from "../sql/statement.ts";
import { storableIn } from "../sql/storable-text.ts";
import { ARCHIVE_TABLE } from "../schema/migrations.ts";
import { OWN_SCHEMA, requireReadable } from "../schema/schema-version.ts";
import { notifiesSql } from "../notify/trigger.ts";

/** A table's columns and their types, as PostgreSQL names them. */
export type Columns = ReadonlyMap<string, string>;

export interface IntrospectedTables {
  schema: string;
  /** Of `sessions`; a table that is created again has another one. */
  objectId: number;
  /** The columns that readers use. */
  columns: KnownColumns;
  sessions: Columns;
  /** Empty if there is no such table. */
  messages: Columns;
  toolCalls: Columns;
  /** Whether each row has the number of the transaction that wrote it; rows of views do not. */
  hasRowVersions: boolean;
  /** Whether the database can hold a text; a query for one that it cannot hold fails. */
  canHold: (text: string) => boolean;
  /** The schema version of our own archive; null for a foreign one. */
  schemaVersion: number | null;
  /** Whether its triggers notify listeners. */
  notifies: boolean;
  /** Changes when any of this may have changed. @see signatureOf */
  signature: string;
}

/** The schemas that may hold an archive, in this order, unless one is named. */
const SCHEMAS = [OWN_SCHEMA, "agentsview", "public"];

/**
 * @param wanted null for the first that exists of `sessionwatch`, `agentsview` and `public`.
 * @returns the schema that has a `sessions` table.
 * @throws WatchError `archive_unusable` if there is none.
 */
export async function findSchema(run: Run, wanted: string | null): Promise<string> {
  const candidates = wanted === null ? SCHEMAS : [wanted];
  const found = await run(
    `SELECT n.nspname AS schema FROM pg_catalog.pg_class c
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = 'sessions' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
       AND n.nspname IN (SELECT pg_catalog.json_array_elements_text($1::text::json))`,
    [JSON.stringify(candidates)],
  );
  const schemas = new Set(found.map(({ schema }) => schema));
  const schema = candidates.find((candidate) => schemas.has(candidate));
  if (schema !== undefined) return schema;
  const where = wanted === null ? SCHEMAS.map(quoted).join(", ") : quoted(wanted);
  const help = "`watch pg init` creates an archive, ?schema= names another schema";
  throw new WatchError("archive_unusable", `there is no sessions table in schema ${where}: ${help}`);
}

/**
 * @throws WatchError `archive_unusable` if the schema holds no archive, or one of a newer sessionwatch.
 */
export async function introspect(run: Run, schema: string): Promise<IntrospectedTables> {
  const rows = await run(
    `SELECT c.oid::text AS oid, c.relname AS "table", a.attname AS "column",
       pg_catalog.format_type(a.atttypid, NULL) AS type, c.relkind AS kind,
       pg_catalog.current_setting('server_encoding') AS encoding, ${signatureOf("c.oid")} AS signature
     FROM pg_catalog.pg_class c
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE n.nspname = $1 AND c.relname IN ('sessions', 'messages', 'tool_calls', '${ARCHIVE_TABLE}')
       AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
     ORDER BY a.attnum`,
    [schema],
  );
  const columnsOf = (table: string): Columns =>
    new Map(
      rows.filter((row) => row["table"] === table).map((row) => [String(row["column"]), String(row["type"])]),
    );
  const sessions = columnsOf("sessions");
  if (sessions.size === 0) throw unusable(schema, "it has no sessions table");
  for (const column of ["id", "message_count"])
    if (!sessions.has(column)) throw unusable(schema, `its sessions table has no column ${column}`);
  const first = rows.find((row) => row["table"] === "sessions");
  const signature = String(first?.["signature"]);
  const schemaVersion = columnsOf(ARCHIVE_TABLE).size === 0 ? null : await readSchemaVersion(run, schema);
  if (schemaVersion !== null) requireReadable(schemaVersion);
  return {
    schema,
    objectId: Number(first?.["oid"]),
    columns: sessionColumns(sessions),
    sessions,
    messages: columnsOf("messages"),
    toolCalls: columnsOf("tool_calls"),
    hasRowVersions: ["r", "p"].includes(String(first?.["kind"])),
    canHold: storableIn(String(first?.["encoding"])),
    schemaVersion,
    notifies: signature.endsWith(":notifies"),
    signature,
  };
}

/**
 * @param objectId SQL for that of `sessions`.
 * @returns SQL for a text that changes when the table is created or rewritten (as for a new type of a column), when
 *   columns are added or renamed, and when its triggers begin or cease to notify.
 */
export function signatureOf(objectId: string): string {
  return `(SELECT signed.oid || ':' || signed.relfilenode || ':' || signed.relnatts || ':'
      || (SELECT pg_catalog.hashtextextended(pg_catalog.string_agg(attname::text, ',' ORDER BY attnum), 0)
        FROM pg_catalog.pg_attribute WHERE attrelid = signed.oid AND attnum > 0) || ':'
      || CASE WHEN ${notifiesSql("signed.oid")} THEN 'notifies' ELSE 'silent' END
    FROM pg_catalog.pg_class signed WHERE signed.oid = ${objectId})`;
}

/**
 * @returns SQL for the beginning of the signature, which decides whether rows still have the same meaning; it costs the
 *   server a quarter of the whole.
 */
export function shapeOf(objectId: number): string {
  return `(SELECT shaped.oid || ':' || shaped.relfilenode || ':' || shaped.relnatts || ':'
    FROM pg_catalog.pg_class shaped WHERE shaped.oid = ${objectId})`;
}

async function readSchemaVersion(run: Run, schema: string): Promise<number> {
  const rows = await run(`SELECT schema_version FROM ${quoted(schema)}.${ARCHIVE_TABLE}`);
  return Number(rows[0]?.["schema_version"] ?? 0);
}

function unusable(schema: string, why: string): WatchError {
  return new WatchError("archive_unusable", `schema ${quoted(schema)} holds no archive: ${why}`);
}
