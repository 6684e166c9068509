import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { renameSync } from "node:fs";
import { systemClock } from "../../src/runtime/clock.ts";
import { openSqlite } from "../../src/stores/sqlite/open.ts";
import type { Archive } from "../../src/watch/archive.ts";
import { archiveContract } from "../contract/archive.ts";
import { ArchiveConnection } from "../support/archive-connection.ts";
import { save } from "../support/saves.ts";
import { openOwn } from "../support/stores.ts";
import { Workspace } from "../support/workspace.ts";
import { writableSqlite } from "../support/writable.ts";

archiveContract("our own archive in SQLite", writableSqlite);

let workspace: Workspace;
let archive: Archive;

beforeEach(() => {
  workspace = new Workspace();
  archive = open();
});
afterEach(async () => {
  await archive.close();
  workspace[Symbol.dispose]();
});

function open(): Archive {
  return openOwn(workspace.archive);
}

describe("our own archive in SQLite", () => {
  test("writes to the archive that another process has created in place of a lost one", async () => {
    await archive.sync("a", save);
    for (const suffix of ["", "-wal", "-shm"])
      renameSync(workspace.archive + suffix, `${workspace.archive}.lost${suffix}`);
    using other = { archive: open(), [Symbol.dispose]: () => void other.archive.close() };
    await other.archive.sync("b", save);
    await archive.sync("c", save);
    expect((await other.archive.list()).sessions.map(({ id }) => id).toSorted()).toEqual(["b", "c"]);
    expect((await archive.list()).total).toBe(2);
  });

  test("writes nothing while its file is away", async () => {
    renameSync(workspace.archive, `${workspace.archive}.old`);
    const error = {
      code: "archive_unavailable",
      message: expect.stringContaining("it does not exist any more"),
    };
    await expect(archive.sync("a", save)).rejects.toMatchObject(error);
    await expect(archive.source("a")).rejects.toMatchObject({ code: "archive_unavailable" });
  });

  test("keeps the machine of another machine's sessions when it continues them", async () => {
    await archive.sync("a", save);
    const { archive: laptop } = openSqlite(workspace.archive, {
      isDefault: true,
      readOnly: false,
      clock: systemClock,
      machine: "laptop",
    });
    for (const id of ["a", "b"]) await laptop?.sync(id, save);
    await laptop?.close();
    using db = new ArchiveConnection(workspace.archive);
    expect(db.all("SELECT id, machine FROM sessions ORDER BY id")).toEqual([
      { id: "a", machine: "local" },
      { id: "b", machine: "laptop" },
    ]);
  });
});
