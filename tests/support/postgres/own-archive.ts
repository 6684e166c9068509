/** Our own archive in PostgreSQL, in a schema of its own, written to as another process of ours would. */

import { expect } from "bun:test";
import type { Row, RowList, Sql } from "postgres";
import { ReconnectingConnection } from "../../../src/stores/postgres/connect/reconnecting-connection.ts";
import { initArchive } from "../../../src/stores/postgres/admin/init.ts";
import { systemAddress } from "../../../src/stores/postgres/connect/archive-address.ts";
import type { ArchiveAddress } from "../../../src/stores/postgres/connect/archive-address.ts";
import { ArchiveWriter } from "../../../src/stores/postgres/write/writer.ts";
import { FAULTS } from "../archive-image.ts";
import type { Image } from "../archive-image.ts";
import type { PostgresServer } from "./server.ts";
import { systemClock } from "../../../src/runtime/clock.ts";

export class PostgresOwnArchive implements AsyncDisposable {
  readonly url: string;
  readonly schema: string;
  /** A connection for what others do to the archive; unqualified names are the archive's. */
  readonly sql: Sql;
  readonly #writers: ArchiveWriter[] = [];

  private constructor(url: string, schema: string, sql: Sql) {
    this.url = url;
    this.schema = schema;
    this.sql = sql;
  }

  /** @param database of the server; a new one by default. */
  static async create(server: PostgresServer, database?: string): Promise<PostgresOwnArchive> {
    const schema = `own ${crypto.randomUUID()}`;
    const name = database ?? (await server.createDatabase());
    const url = server.url(name);
    await initialize(url, schema);
    const sql = server.connect(name);
    await sql.unsafe(`SET search_path TO "${schema}"`);
    return new PostgresOwnArchive(url, schema, sql);
  }

  get target(): ArchiveAddress {
    return { ...systemAddress(this.url), schema: this.schema };
  }

  /** @returns one that writes to it as another process would; it ends with this. */
  writer(machine = "local", target = this.target): ArchiveWriter {
    const writer = new ArchiveWriter(target, systemClock, { schema: this.schema, machine });
    this.#writers.push(writer);
    return writer;
  }

  /** Adds a session with one message. */
  async add(id: string, project = "demo"): Promise<this> {
    await this.sql.begin(async (sql) => {
      await sql`
        INSERT INTO sessions (id, project, machine, created_at, message_count)
        VALUES (${id}, ${project}, 'local', '2026-01-01T00:00:00Z', 1)`;
      await sql`INSERT INTO messages (session_id, ordinal, role, content) VALUES (${id}, 0, 'user', 'hello')`;
    });
    return this;
  }

  /** What a sync does when a session has grown. */
  async touch(id: string): Promise<this> {
    await this.sql`
      UPDATE sessions SET message_count = message_count + 1, updated_at = clock_timestamp() WHERE id = ${id}`;
    return this;
  }

  /** What `imageOf()` gives of a SQLite archive with the same content. */
  async image(): Promise<Image> {
    const image = await this.#atOnce(async (all) => ({
      sessions: await all("SELECT * FROM sessions ORDER BY id"),
      messages: await all("SELECT * FROM messages ORDER BY session_id, ordinal"),
      calls: await all(`
        SELECT message_ordinal AS of_message, tool_calls.* FROM tool_calls
        ORDER BY session_id, of_message, call_index`),
      states: await all("SELECT * FROM sync_state ORDER BY session_id"),
      files: await all("SELECT * FROM sync_files ORDER BY session_id, position"),
    }));
    for (const row of image.sessions) {
      delete row["updated_at"];
      // A transcript without any time was created when it was first seen.
      if (row["started_at"] === null) delete row["created_at"];
    }
    for (const row of image.calls) for (const name of ["message_ordinal", "call_index"]) delete row[name];
    return image;
  }

  /** Checks what must hold of an archive at any moment. @returns how many messages each session has. */
  async expectNoFaults(): Promise<Map<string, number>> {
    return await this.#atOnce(async (all) => {
      for (const [fault, query] of Object.entries(FAULTS))
        expect({ fault, rows: await all(query) }).toEqual({ fault, rows: [] });
      const counts = await all("SELECT id, message_count FROM sessions");
      return new Map(counts.map((row) => [String(row["id"]), Number(row["message_count"])]));
    });
  }

  /** Everything that `work` reads, it sees at one moment. */
  async #atOnce<T>(work: (all: (query: string) => Promise<Row[]>) => Promise<T>): Promise<T> {
    const result = await this.sql.begin("ISOLATION LEVEL REPEATABLE READ READ ONLY", (sql) =>
      work(async (query) => asSqlite(await sql.unsafe(query))),
    );
    return result as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const writer of this.#writers) await writer.close();
    await this.sql.end();
  }
}

/** What `watch pg init` does. */
export async function initialize(url: string, schema: string): ReturnType<typeof initArchive> {
  const link = new ReconnectingConnection(systemAddress(url), systemClock, { purpose: "init" });
  try {
    return await initArchive(link, schema);
  } finally {
    link.close();
  }
}

const INT8 = 20;

/** @returns the rows as SQLite has them: whole numbers as BigInts, 1 and 0 for true and false, and times as text. */
function asSqlite(rows: RowList<Row[]>): Row[] {
  const large = new Set(rows.columns.filter(({ type }) => type === INT8).map(({ name }) => name));
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        large.has(name) ? bigintOf(value) : sqliteValue(value),
      ]),
    ),
  );
}

function bigintOf(value: unknown): bigint | null {
  return value === null ? null : BigInt(String(value));
}

function sqliteValue(value: unknown): unknown {
  if (typeof value === "boolean" || typeof value === "number") return BigInt(value);
  return value instanceof Date ? value.toISOString() : value;
}
