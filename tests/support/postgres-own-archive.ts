/** Our own archive in PostgreSQL, in a schema of its own, written to as another process of ours would. */

import type { Sql } from "postgres";
import { Link } from "../../src/stores/postgres/link.ts";
import { initArchive } from "../../src/stores/postgres/schema.ts";
import { parseTarget } from "../../src/stores/postgres/target.ts";
import type { Target } from "../../src/stores/postgres/target.ts";
import { ArchiveWriter } from "../../src/stores/postgres/writer.ts";
import type { PostgresServer } from "./postgres.ts";

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

  get target(): Target {
    return { ...parseTarget(this.url), schema: this.schema };
  }

  /** @returns one that writes to it as another process would; it ends with this. */
  writer(machine = "local", target = this.target): ArchiveWriter {
    const writer = new ArchiveWriter(target, { schema: this.schema, machine });
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

  async [Symbol.asyncDispose](): Promise<void> {
    for (const writer of this.#writers) await writer.close();
    await this.sql.end();
  }
}

/** What `watch pg init` does. */
export async function initialize(url: string, schema: string): ReturnType<typeof initArchive> {
  const link = new Link(parseTarget(url), { purpose: "init" });
  try {
    return await initArchive(link, schema);
  } finally {
    link.close();
  }
}
