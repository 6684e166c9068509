import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { ARCHIVE_TABLES } from "../../src/session/columns.ts";
import type { ArchiveTables } from "../../src/session/columns.ts";
import { titleColumns } from "../../src/session/session-columns.ts";
import { activityOf, otherMachine, titleOf } from "../../src/session/session.ts";
import type { Session } from "../../src/session/session.ts";
import { columnSchemas } from "../../src/server/openapi/row-schemas.ts";
import { sessionColumns, sessionOf } from "../../src/stores/shared/session-rows.ts";
import { postgresMigrations } from "../../src/stores/postgres/schema/migrations.ts";
import { sqliteMigrations } from "../../src/stores/sqlite/database/schema.ts";
import { upsertSession } from "../../src/stores/sqlite/write/statements.ts";
import { PostgresOwnArchive } from "../support/postgres/own-archive.ts";
import { sharedServer } from "../support/postgres/server.ts";

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

describe("the table of columns is what an archive has", () => {
  test("in SQLite", () => {
    const db = new DatabaseSync(":memory:");
    for (const migration of sqliteMigrations()) db.exec(migration);
    for (const [table, columns] of Object.entries(ARCHIVE_TABLES)) {
      const made = db.prepare("SELECT name FROM pragma_table_info(?)").all(table);
      expect([table, ...made.map(({ name }) => String(name)).sort()]).toEqual([
        table,
        ...namesFor("sqlite", columns),
      ]);
    }
    db.close();
  });

  test("in PostgreSQL", async () => {
    await using archive = await PostgresOwnArchive.create(await sharedServer());
    for (const [table, columns] of Object.entries(ARCHIVE_TABLES)) {
      const made = await archive.sql`
        SELECT attname AS name FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = ${archive.schema} AND relname = ${table} AND attnum > 0 AND NOT attisdropped`;
      expect([table, ...made.map(({ name }) => String(name)).sort()]).toEqual([
        table,
        ...namesFor("postgres", columns),
      ]);
    }
  });

  function namesFor(store: "sqlite" | "postgres", columns: ArchiveTables[keyof ArchiveTables]): string[] {
    return columns
      .filter(({ since }) => since?.[store] !== undefined)
      .map(({ name }) => name)
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

  test("the page calls a session what titleOf() calls it", () => {
    const script = readFileSync(join(import.meta.dir, "../../src/page/browser/session-list.js"), "utf8");
    const [, names = ""] = /titleOf\(\{ id, ([^}]*) \}\)/.exec(script) ?? [];
    expect(names.split(", ").map((name) => name.split(":")[0])).toEqual(titleColumns());
  });
});
