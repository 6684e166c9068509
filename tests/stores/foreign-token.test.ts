/** The source tokens that a foreign archive gives. */

import { expect, test } from "bun:test";
import { DatabaseSync } from "node:sqlite";
import { openStore } from "../../src/mod.ts";
import { ForeignArchive } from "../support/archives.ts";
import { openForeign, openOwn } from "../support/stores.ts";
import { Workspace } from "../support/workspace.ts";

/** @returns the token of session `a` after the SQL `change` has run. */
async function tokenAfter(
  change: string,
  columns: "old" | "new" = "new",
): Promise<string | null | undefined> {
  using workspace = new Workspace();
  using archive = new ForeignArchive(workspace.path("sessions.db"), { columns }).add("a");
  archive.db.exec(change);
  const store = openForeign(archive.path);
  const states = await store.states(["a"]);
  await store.close();
  return states.get("a")?.sourceToken;
}

test.each(["old", "new"] as const)(
  "states() gives the whole milliseconds of file_mtime (%s columns)",
  async (columns) => {
    const set = "UPDATE sessions SET file_mtime = 1767225600123999999";
    expect(await tokenAfter(set, columns)).toBe("1767225600123");
  },
);

test.each([
  ["0", null],
  ["NULL", null],
  ["''", null],
  ["'1767225600123456789'", "1767225600123"],
  ["1", "0"],
])("states() takes a file_mtime of %s for %p", async (mtime, token) => {
  expect(await tokenAfter(`UPDATE sessions SET file_mtime = ${mtime}`)).toBe(token);
});

test("states() gives no token where there is no file_mtime", async () => {
  expect(await tokenAfter("ALTER TABLE sessions DROP COLUMN file_mtime")).toBeNull();
});

test("states() of our own archive gives the token that was stored, not the file's time", async () => {
  using workspace = new Workspace();
  const store = openOwn(workspace.archive);
  const db = new DatabaseSync(workspace.archive);
  db.exec(`INSERT INTO sessions (id, created_at, file_mtime) VALUES ('a', '2026', 1767225600123456789);
    INSERT INTO sessions (id, created_at, file_mtime, source_token) VALUES ('b', '2026', 1767225600123456789, 't')`);
  const states = await store.states(["a", "b"]);
  expect([states.get("a")?.sourceToken, states.get("b")?.sourceToken]).toEqual([null, "t"]);
  db.close();
  await store.close();
});

test("openStore() gives the path of a foreign archive only", async () => {
  using workspace = new Workspace();
  using archive = new ForeignArchive(workspace.path("sessions.db"));
  const foreign = await openStore(archive.path);
  expect(foreign.foreignPath).toBe(archive.path);
  const options = { defaultPath: workspace.archive };
  const ours = await openStore(undefined, options);
  const oursReadOnly = await openStore(undefined, { ...options, readOnly: true });
  expect([ours.foreignPath, oursReadOnly.foreignPath]).toEqual([undefined, undefined]);
  for (const { store } of [foreign, ours, oursReadOnly]) await store.close();
});
