import { describe, expect, test } from "bun:test";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import * as script from "../../src/page/browser/session.js";
import type { Column } from "../../src/session/column.ts";
import { ARCHIVE_TABLES } from "../../src/session/columns.ts";
import type { ArchiveTables } from "../../src/session/columns.ts";
import { activityOf, otherMachine, titleOf } from "../../src/session/session.ts";
import type { Session } from "../../src/session/session.ts";
import { columnSchemas } from "../../src/server/openapi/row-schemas.ts";
import { sessionColumns, sessionOf } from "../../src/stores/shared/session-rows.ts";
import { postgresMigrations } from "../../src/stores/postgres/schema/migrations.ts";
import { SyncStatements } from "../../src/stores/postgres/write/statements.ts";
import { sqliteMigrations } from "../../src/stores/sqlite/database/schema.ts";
import { upsertSession } from "../../src/stores/sqlite/write/sync-statements.ts";
import { PostgresOwnArchive } from "../support/postgres/own-archive.ts";
import { sharedServer } from "../support/postgres/server.ts";

/** The types take every script for a text, as the page has it. */
const page = script as unknown as {
  titleOf(session: Session): string;
  activityOf(session: Session): string | null;
  otherMachine(machine: string | null | undefined): string | null;
};

const SESSION: Session = { id: "a", version: "v", message_count: 1 };

/** A column that nobody has, in a copy of the table. */
const MOOD = {
  name: "mood",
  type: "integer",
  since: { sqlite: 4, postgres: 2 },
  default: 7,
  isShown: true,
  isSynced: true,
  versionInput: 10,
  means: "How it feels.",
} as const;
const WITH_MOOD: ArchiveTables = { ...ARCHIVE_TABLES, sessions: [...ARCHIVE_TABLES.sessions, MOOD] };

describe("a new column needs one entry", () => {
  test("to come into archives of ours that are there already", () => {
    const added = "ADD COLUMN mood INTEGER NOT NULL DEFAULT 7;";
    expect(sqliteMigrations(WITH_MOOD).at(-1)).toBe(`ALTER TABLE sessions ${added}`);
    expect(postgresMigrations(WITH_MOOD).at(-1)?.toUpperCase()).toBe(
      `ALTER TABLE $.SESSIONS ${added}`.toUpperCase(),
    );
    expect(sqliteMigrations(WITH_MOOD).slice(0, -1)).toEqual(sqliteMigrations());
    const db = new DatabaseSync(":memory:");
    for (const migration of sqliteMigrations(WITH_MOOD)) db.exec(migration);
    db.exec("INSERT INTO sessions (id, created_at) VALUES ('a', '')");
    expect(db.prepare("SELECT mood FROM sessions").get()).toMatchObject({ mood: 7 });
    db.close();
  });

  test("to be written to PostgreSQL and to be read from it", async () => {
    await using archive = await PostgresOwnArchive.create(await sharedServer());
    const [added = ""] = postgresMigrations(WITH_MOOD).slice(postgresMigrations().length);
    await archive.sql.unsafe(added.replaceAll("$", `"${archive.schema}"`));
    const statements = new SyncStatements(archive.schema, WITH_MOOD.sessions);
    const row = { id: "a", machine: "m", project: "p", agent: "g", created_at: "2026-01-01T00:00:00Z" };
    const counts = { message_count: 0, user_message_count: 0, parser_malformed_lines: 0 };
    const tokens = { total_output_tokens: 0, peak_context_tokens: 0, relationship_type: "" };
    const known = { has_total_output_tokens: false, has_peak_context_tokens: false, is_automated: false };
    for (const sql of statements.upsertSession({ ...row, ...counts, ...tokens, ...known, mood: 3 }))
      await archive.sql.unsafe(sql);
    const [found = {}] =
      await archive.sql`SELECT id, mood, message_count::text AS version_message_count FROM sessions`;
    const columns = sessionColumns(new Set(["mood", "message_count"]), WITH_MOOD.sessions);
    expect(sessionOf(columns, found)).toMatchObject({ id: "a", mood: 3, message_count: 0 });
  });

  test("to be written, to be read, to count for the version, and to be described", () => {
    const { sql, columns } = upsertSession(WITH_MOOD.sessions);
    expect([columns.includes("mood"), sql.includes("mood = excluded.mood")]).toEqual([true, true]);
    const known = sessionColumns(new Set(["mood", "message_count"]), WITH_MOOD.sessions);
    const row = { id: "a", mood: 3, version_message_count: "1", version_mood: "3" };
    expect(sessionOf(known, row)).toMatchObject({ mood: 3, message_count: 1 });
    expect(sessionOf(known, { ...row, version_mood: "4" }).version).not.toBe(sessionOf(known, row).version);
    expect(columnSchemas(WITH_MOOD.sessions, "number")["mood"]).toBeDefined();
  });
});

describe("the table of columns is what an archive has, no more and no less", () => {
  test("in SQLite", () => {
    const db = new DatabaseSync(":memory:");
    for (const migration of sqliteMigrations()) db.exec(migration);
    const made = db
      .prepare(
        `SELECT tables.name AS "table", columns.name AS name, columns.type AS type
         FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
         WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%'`,
      )
      .all();
    expect(made.map(described).sort()).toEqual(
      known("sqlite", ({ type }) => (type === "text" || type === "time" ? "TEXT" : "INTEGER")),
    );
    db.close();
  });

  test("in PostgreSQL", async () => {
    await using archive = await PostgresOwnArchive.create(await sharedServer());
    const made = await archive.sql`
      SELECT relname AS "table", attname AS name, format_type(atttypid, NULL) AS type
      FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
      JOIN pg_namespace ON pg_namespace.oid = relnamespace
      WHERE nspname = ${archive.schema} AND relkind = 'r' AND attnum > 0 AND NOT attisdropped`;
    expect(made.map(described).sort()).toEqual(
      known("postgres", ({ type }) => (type === "time" ? "timestamp with time zone" : type)),
    );
  });

  test("a column with a default cannot be NULL in archives of ours, and has that default", () => {
    const db = new DatabaseSync(":memory:");
    for (const migration of sqliteMigrations()) db.exec(migration);
    const columnIn = db.prepare(
      'SELECT "notnull" AS is_not_null, dflt_value FROM pragma_table_info(?) WHERE name = ?',
    );
    const tables: ArchiveTables = ARCHIVE_TABLES;
    for (const [table, columns] of Object.entries(tables)) {
      for (const { name, default: value, since } of columns) {
        if (value === undefined || since?.sqlite === undefined) continue;
        const literal = typeof value === "string" ? `'${value}'` : String(Number(value));
        expect([name, columnIn.get(table, name)]).toEqual([name, { is_not_null: 1, dflt_value: literal }]);
      }
    }
    db.close();
  });

  function described(row: Readonly<Record<string, unknown>>): string {
    return `${String(row["table"])}.${String(row["name"])} ${String(row["type"])}`;
  }

  function known(store: "sqlite" | "postgres", typeOf: (column: Column) => string): string[] {
    const tables: ArchiveTables = ARCHIVE_TABLES;
    return Object.entries(tables)
      .flatMap(([table, columns]) =>
        columns
          .filter(({ since }) => since?.[store] !== undefined)
          .map((column) => described({ table, name: column.name, type: typeOf(column) })),
      )
      .sort();
  }
});

describe("what is said of a session", () => {
  test("titleOf() takes the user's name, then the agent's, then the first prompt; empty ones say nothing", () => {
    const all = { ...SESSION, display_name: "mine", title: "its", first_message: "hello" };
    expect(titleOf(all)).toBe("mine");
    expect(titleOf({ ...all, display_name: "" })).toBe("its");
    expect(titleOf({ ...all, display_name: null, title: null })).toBe("hello");
    expect(titleOf(SESSION)).toBeNull();
  });

  test("activityOf() takes the last activity, then the start, then when it was seen", () => {
    expect(activityOf({ ...SESSION, ended_at: "3", started_at: "2", created_at: "1" })).toBe("3");
    expect(activityOf({ ...SESSION, ended_at: null, created_at: "1" })).toBe("1");
    expect(activityOf(SESSION)).toBeNull();
  });

  test.each([["local"], [""], [null], [undefined]])("otherMachine(%p) is none", (machine) => {
    expect(otherMachine(machine)).toBeNull();
  });

  test("the page says the same of every session", () => {
    const text = fc.option(fc.constantFrom("", "a", "b", "local"));
    const sessions = fc.record({
      display_name: text,
      title: text,
      first_message: text,
      ended_at: text,
      started_at: text,
      created_at: text,
      machine: text,
    });
    fc.assert(
      fc.property(sessions, (columns) => {
        const session: Session = { ...SESSION, ...columns };
        expect(page.titleOf(session)).toBe(titleOf(session) ?? session.id);
        expect(page.activityOf(session)).toBe(activityOf(session));
        expect(page.otherMachine(session.machine)).toBe(otherMachine(session.machine));
      }),
    );
  });
});
