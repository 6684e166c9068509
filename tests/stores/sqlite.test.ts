import { expect, test } from "bun:test";
import { DatabaseSync } from "node:sqlite";
import { storeContract } from "../contract/store.ts";
import type { ArchiveFixture } from "../contract/store.ts";
import { ForeignArchive } from "../support/archives.ts";
import type { ForeignOptions } from "../support/archives.ts";
import { openForeign, openOwn } from "../support/stores.ts";
import { Workspace } from "../support/workspace.ts";

storeContract("our own archive", ours);
storeContract("an agentsview archive with new columns", () => foreign({ columns: "new" }));
storeContract("an agentsview archive with old columns", () => foreign({ columns: "old" }));
storeContract("an agentsview archive without a write-ahead log", () => foreign({ journal: "delete" }));

function foreign(options: ForeignOptions): ArchiveFixture {
  const workspace = new Workspace();
  const archive = new ForeignArchive(workspace.path("sessions.db"), options);
  const store = openForeign(archive.path);
  return {
    ...changesTo(archive.db),
    store,
    trash:
      options.columns === "old"
        ? undefined
        : (id) => archive.db.prepare("UPDATE sessions SET deleted_at = '2026-02-01' WHERE id = ?").run(id),
    async [Symbol.asyncDispose]() {
      await store.close();
      archive[Symbol.dispose]();
      workspace[Symbol.dispose]();
    },
  };
}

function ours(): ArchiveFixture {
  const workspace = new Workspace();
  const store = openOwn(workspace.archive);
  const db = new DatabaseSync(workspace.archive);
  return {
    ...changesTo(db),
    store,
    trash: (id) => db.prepare("UPDATE sessions SET deleted_at = '2026-02-01' WHERE id = ?").run(id),
    async [Symbol.asyncDispose]() {
      db.close();
      await store.close();
      workspace[Symbol.dispose]();
    },
  };
}

function changesTo(db: DatabaseSync): Pick<ArchiveFixture, "add" | "grow"> {
  return {
    add({ id, project, activeAt }) {
      db.prepare(
        `INSERT INTO sessions (id, project, agent, machine, started_at, ended_at, created_at, message_count, file_mtime)
         VALUES (?, ?, 'claude', 'local', ?, ?, ?, 1, 1767225600123456789)`,
      ).run(id, project, activeAt, activeAt, activeAt);
      db.prepare(
        "INSERT INTO messages (session_id, ordinal, role, content) VALUES (?, 0, 'user', 'hello')",
      ).run(id);
    },
    grow(id) {
      db.exec("BEGIN");
      db.prepare(
        `INSERT INTO messages (session_id, ordinal, role, content)
         SELECT ?1, max(ordinal) + 1, 'assistant', 'more' FROM messages WHERE session_id = ?1`,
      ).run(id);
      db.prepare("UPDATE sessions SET message_count = message_count + 1 WHERE id = ?").run(id);
      db.exec("COMMIT");
    },
  };
}

test("our own archive lists sessions by its index, without sorting them", () => {
  using workspace = new Workspace();
  const store = openOwn(workspace.archive);
  const db = new DatabaseSync(workspace.archive);
  const plan = db
    .prepare(
      `EXPLAIN QUERY PLAN SELECT id FROM sessions WHERE deleted_at IS NULL
       ORDER BY COALESCE(ended_at, started_at, created_at, '', '') DESC, id DESC LIMIT 10`,
    )
    .all()
    .map(({ detail }) => detail);
  expect(plan).toEqual(["SCAN sessions USING INDEX sessions_by_activity"]);
  db.close();
  void store.close();
});

test("our own archive logs every change of a session, whatever program makes it", async () => {
  using workspace = new Workspace();
  const store = openOwn(workspace.archive);
  const db = new DatabaseSync(workspace.archive);
  const insert = "INSERT INTO sessions (id, created_at) VALUES ";
  db.exec(`${insert} ('a', ''), ('b', ''), ('c', '')`);
  let { mark } = await store.changes(null);
  const changedBy = async (sql: string): Promise<unknown> => {
    db.exec(sql);
    const changes = await store.changes(mark);
    ({ mark } = changes);
    expect(changes.isComplete).toBe(false);
    return [...changes.states].map(([id, state]) => `${id}${state === null ? " gone" : ""}`).toSorted();
  };
  expect(await changedBy("UPDATE sessions SET title = 'x' WHERE id = 'a'")).toEqual(["a"]);
  expect(await changedBy(`INSERT OR REPLACE INTO sessions (id, created_at) VALUES ('b', 'x')`)).toEqual([
    "b",
  ]);
  expect(
    await changedBy(`INSERT OR IGNORE INTO sessions (id, created_at) VALUES ('b', 'x'), ('d', '')`),
  ).toEqual(["d"]);
  expect(await changedBy("DELETE FROM sessions WHERE id = 'c'")).toEqual(["c gone"]);
  expect(await changedBy(`${insert} ('c', '')`)).toEqual(["c"]);
  expect(await changedBy("DELETE FROM sessions")).toEqual(["a gone", "b gone", "c gone", "d gone"]);
  expect(await changedBy("SELECT 1")).toEqual([]);
  db.close();
  await store.close();
});
