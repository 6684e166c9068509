/** PostgreSQL archives as agentsview pushes them. */

import type { Sql } from "postgres";
import { quoted } from "../../../src/stores/postgres/sql/quoting.ts";
import { installTrigger, removeTrigger } from "../../../src/stores/postgres/notify/trigger.ts";
import type { PostgresServer } from "./server.ts";

const SESSIONS = `
  id text PRIMARY KEY, machine text NOT NULL, project text NOT NULL, agent text NOT NULL, first_message text,
  display_name text, created_at timestamptz, started_at timestamptz, ended_at timestamptz, deleted_at timestamptz,
  message_count integer NOT NULL DEFAULT 0, user_message_count integer NOT NULL DEFAULT 0, parent_session_id text,
  relationship_type text NOT NULL DEFAULT '', total_output_tokens integer NOT NULL DEFAULT 0,
  peak_context_tokens integer NOT NULL DEFAULT 0, has_total_output_tokens boolean NOT NULL DEFAULT false,
  has_peak_context_tokens boolean NOT NULL DEFAULT false, is_automated boolean NOT NULL DEFAULT false,
  cwd text NOT NULL DEFAULT '', git_branch text NOT NULL DEFAULT '', updated_at timestamptz NOT NULL DEFAULT now()`;

const MESSAGES = `
  session_id text NOT NULL, ordinal integer NOT NULL, role text NOT NULL, content text NOT NULL,
  thinking_text text NOT NULL DEFAULT '', timestamp timestamptz, has_thinking boolean NOT NULL DEFAULT false,
  has_tool_use boolean NOT NULL DEFAULT false, content_length integer NOT NULL DEFAULT 0,
  is_system boolean NOT NULL DEFAULT false, model text NOT NULL DEFAULT '', token_usage text NOT NULL DEFAULT '',
  PRIMARY KEY (session_id, ordinal)`;

const TOOL_CALLS = `
  id bigserial PRIMARY KEY, session_id text NOT NULL, tool_name text NOT NULL, category text NOT NULL,
  call_index integer NOT NULL DEFAULT 0, tool_use_id text NOT NULL DEFAULT '', input_json text, skill_name text,
  result_content_length integer, result_content text, subagent_session_id text, message_ordinal integer NOT NULL`;

export interface PostgresForeignOptions {
  /** @default "agentsview" */
  schema?: string;
  /** An existing one, where another archive may be already. @default a new one */
  database?: string;
}

export interface PostgresForeignSession {
  /** @default "demo" */
  project?: string;
  /** RFC 3339. */
  activeAt?: string;
  /** @default "laptop" */
  machine?: string;
}

/** Creates an archive, and keeps a connection to it that writes to it as a push does. */
export class PostgresForeignArchive implements AsyncDisposable {
  /** Without the schema. */
  readonly url: string;
  readonly database: string;
  readonly schema: string;
  /** The superuser's. */
  readonly sql: Sql;

  private constructor(server: PostgresServer, database: string, schema: string) {
    this.url = server.url(database);
    this.database = database;
    this.schema = schema;
    this.sql = server.connect(database);
  }

  static async create(
    server: PostgresServer,
    { schema = "agentsview", database }: PostgresForeignOptions = {},
  ): Promise<PostgresForeignArchive> {
    const archive = new PostgresForeignArchive(server, database ?? (await server.createDatabase()), schema);
    await archive.sql.unsafe(`CREATE SCHEMA IF NOT EXISTS ${quoted(schema)};
      CREATE TABLE ${archive.table("sessions")} (${SESSIONS});
      CREATE TABLE ${archive.table("messages")} (${MESSAGES},
        FOREIGN KEY (session_id) REFERENCES ${archive.table("sessions")} (id) ON DELETE CASCADE);
      CREATE TABLE ${archive.table("tool_calls")} (${TOOL_CALLS},
        FOREIGN KEY (session_id) REFERENCES ${archive.table("sessions")} (id) ON DELETE CASCADE);
      CREATE UNIQUE INDEX ON ${archive.table("tool_calls")} (session_id, message_ordinal, call_index);`);
    return archive;
  }

  /** @returns the name of one of its tables, as SQL has it. */
  table(name: "sessions" | "messages" | "tool_calls"): string {
    return `${quoted(this.schema)}.${name}`;
  }

  /** Has it tell of its changes from now on, as `watch pg install` does. */
  async tell(): Promise<this> {
    await this.#runAll(installTrigger(this.schema));
    return this;
  }

  /** Has it tell of nothing any more. */
  async tellNothing(): Promise<this> {
    await this.#runAll(removeTrigger(this.schema));
    return this;
  }

  /** Adds a session with one message. */
  async add(id: string, session: PostgresForeignSession = {}): Promise<this> {
    const { project = "demo", activeAt = "2026-01-01T00:00:00Z", machine = "laptop" } = session;
    await this.sql.begin(async (sql) => {
      await sql.unsafe(
        `INSERT INTO ${this.table("sessions")} (id, machine, project, agent, first_message, created_at, started_at, ended_at,
           message_count, user_message_count)
         VALUES ($1, $2, $3, 'claude', 'hello', $4::text::timestamptz, $4::text::timestamptz, $4::text::timestamptz, 1, 1)`,
        [id, machine, project, activeAt],
      );
      await sql.unsafe(
        `INSERT INTO ${this.table("messages")} (session_id, ordinal, role, content, content_length) VALUES ($1, 0, 'user', 'hello', 5)`,
        [id],
      );
    });
    return this;
  }

  /** What a push does to the row of a session that has grown. */
  async touch(id: string): Promise<this> {
    await this.sql.unsafe(this.#touched, [id]);
    return this;
  }

  /** Adds a message to a session. */
  async grow(id: string): Promise<this> {
    await this.sql.begin(async (sql) => {
      await sql.unsafe(
        `INSERT INTO ${this.table("messages")} (session_id, ordinal, role, content)
         SELECT id, message_count, 'user', 'more' FROM ${this.table("sessions")} WHERE id = $1`,
        [id],
      );
      await sql.unsafe(this.#touched, [id]);
    });
    return this;
  }

  /** Puts a session into the trash. */
  async trash(id: string): Promise<this> {
    await this.sql.unsafe(
      `UPDATE ${this.table("sessions")} SET deleted_at = now(), updated_at = now() WHERE id = $1`,
      [id],
    );
    return this;
  }

  /** Leaves nothing of a session. */
  async remove(id: string): Promise<this> {
    await this.sql.unsafe(`DELETE FROM ${this.table("sessions")} WHERE id = $1`, [id]);
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sql.end({ timeout: 1 });
  }

  async #runAll(statements: readonly string[]): Promise<void> {
    await this.sql.begin(async (sql) => {
      for (const statement of statements) await sql.unsafe(statement);
    });
  }

  get #touched(): string {
    return `UPDATE ${this.table("sessions")} SET message_count = message_count + 1, updated_at = now() WHERE id = $1`;
  }
}
