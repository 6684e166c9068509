/** A reader keeps working whatever is done to the archive's file, and changes nothing in its folder. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readSync,
  utimesSync,
  writeSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Store } from "../../src/watch/ports.ts";
import { openStore } from "../../src/mod.ts";
import { ForeignArchive } from "../support/archives.ts";
import { openForeign } from "../support/stores.ts";
import { Workspace } from "../support/workspace.ts";
import { within } from "../support/program.ts";

let workspace: Workspace;
let archive: ForeignArchive;
let store: Store;

beforeEach(() => {
  workspace = new Workspace();
  archive = new ForeignArchive(workspace.path("sessions.db")).add("a");
  store = openForeign(archive.path);
});

afterEach(async () => {
  await store.close();
  if (archive.db.isOpen) archive.db.close();
  workspace[Symbol.dispose]();
});

async function countOf(id: string): Promise<number | undefined> {
  return (await store.states([id])).get(id)?.messageCount;
}

/** Replaces the log as well: SQLite would apply an old log to a new file. */
function removeArchive(): void {
  archive.db.close();
  for (const suffix of ["", "-wal", "-shm"]) rmSync(archive.path + suffix, { force: true });
}

/** Another archive of the same kind, without a log. */
function another(name: string, ...ids: string[]): string {
  const path = workspace.path(name);
  using other = new ForeignArchive(path, { journal: "delete" });
  for (const id of ids) other.add(id);
  return path;
}

describe("a SQLite reader", () => {
  test("fault 8: sees an archive that was replaced by rename, and later writes to it", async () => {
    const before = await store.revision();
    const next = another("sessions.db-resync", "a", "b");
    removeArchive();
    renameSync(next, archive.path);
    expect(await store.revision()).not.toBe(before);
    expect(await countOf("b")).toBe(1);
    using writer = { db: new DatabaseSync(archive.path), [Symbol.dispose]: () => writer.db.close() };
    const renamed = await store.revision();
    writer.db.exec("UPDATE sessions SET message_count = 2 WHERE id = 'b'");
    expect(await store.revision()).not.toBe(renamed);
    expect(await countOf("b")).toBe(2);
  });

  test("cannot read a deleted archive, and reads the next one at its path", async () => {
    removeArchive();
    await expect(store.revision()).rejects.toMatchObject({ code: "archive_unavailable" });
    await expect(store.states(["a"])).rejects.toMatchObject({ code: "archive_unavailable" });
    renameSync(another("next.db", "b"), archive.path);
    expect(await countOf("b")).toBe(1);
  });

  test("reads an archive that was moved away and back, with what was written in between", async () => {
    for (const suffix of ["", "-wal", "-shm"])
      renameSync(archive.path + suffix, `${archive.path}.away${suffix}`);
    await expect(store.revision()).rejects.toMatchObject({ code: "archive_unavailable" });
    archive.touch("a");
    for (const suffix of ["", "-wal", "-shm"])
      renameSync(`${archive.path}.away${suffix}`, archive.path + suffix);
    expect(await countOf("a")).toBe(2);
  });

  test("cannot read a truncated archive, and reads it once it is whole again", async () => {
    const path = another("whole.db", "a");
    const copy = workspace.path("copy.db");
    copyFileSync(path, copy);
    store = openForeign(path);
    expect(await countOf("a")).toBe(1);
    for (const size of [0, 50, 4096]) {
      truncateSync(path, size);
      await expect(store.states(["a"])).rejects.toMatchObject({ code: expect.stringMatching(/^archive_/) });
      writeFileSync(path, readFileSync(copy));
      expect(await countOf("a")).toBe(1);
    }
  });

  test("sees bytes that were overwritten behind SQLite's back", async () => {
    const path = another("whole.db", "a");
    store = openForeign(path);
    const before = await store.revision();
    writeFileSync(path, readFileSync(another("other.db", "b", "c")));
    expect(await store.revision()).not.toBe(before);
    expect([await countOf("a"), await countOf("c")]).toEqual([undefined, 1]);
  });

  test("sees what is written after a VACUUM and after a checkpoint", async () => {
    archive.db.exec("VACUUM");
    archive.touch("a");
    expect(await countOf("a")).toBe(2);
    archive.db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    archive.touch("a");
    expect(await countOf("a")).toBe(3);
  });

  test("sees an older main file that was put back under a log that stays", async () => {
    archive.db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    const backup = readFileSync(archive.path);
    archive.touch("a");
    archive.db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    expect(await countOf("a")).toBe(2);
    writeFileSync(archive.path, backup);
    expect(await countOf("a")).toBe(1);
  });

  test("sees that another file has replaced the archive, even with the same size and time", async () => {
    const path = another("first.db", "a");
    const next = another("next.db", "b");
    for (const file of [path, next]) utimesSync(file, 1_767_225_600, 1_767_225_600);
    expect(statSync(next).size).toBe(statSync(path).size);
    store = openForeign(path);
    expect(await countOf("a")).toBe(1);
    renameSync(next, path);
    expect([await countOf("a"), await countOf("b")]).toEqual([undefined, 1]);
  });

  test("sees bytes that were overwritten after a commit went into the log", async () => {
    await countOf("a");
    archive.touch("a");
    expect(await countOf("a")).toBe(2);
    const backup = readFileSync(another("backup.db", "b"));
    const before = await store.revision();
    archive.db.close();
    for (const suffix of ["-wal", "-shm"]) rmSync(archive.path + suffix, { force: true });
    writeFileSync(archive.path, backup);
    expect(await store.revision()).not.toBe(before);
    expect([await countOf("a"), await countOf("b")]).toEqual([undefined, 1]);
  });

  test("sees what goes into a new log after the one that it had open was removed", async () => {
    // After a checkpoint, the main file does not change again.
    archive.db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    archive.touch("a");
    archive.db.exec("PRAGMA wal_checkpoint(RESTART)");
    expect(await countOf("a")).toBe(2);
    archive.db.close();
    for (const suffix of ["-wal", "-shm"]) rmSync(archive.path + suffix, { force: true });
    const writer = new ForeignArchiveWriter(archive.path);
    for (let count = 3; count < 7; count += 1) {
      const before = await store.revision();
      writer.touch("a");
      expect(await store.revision()).not.toBe(before);
      expect(await countOf("a")).toBe(count);
    }
    writer.close();
  });

  test("uses columns that are added later: a session can then be trashed", async () => {
    const path = workspace.path("old.db");
    using old = new ForeignArchive(path, { columns: "old" }).add("a");
    store = openForeign(path);
    expect(await countOf("a")).toBe(1);
    old.db.exec(
      "ALTER TABLE sessions ADD COLUMN deleted_at TEXT; UPDATE sessions SET deleted_at = '2026-01-01'",
    );
    expect(await countOf("a")).toBeUndefined();
  });

  test("waits for a short lock without blocking anything else", async () => {
    const path = another("busy.db", "a");
    store = openForeign(path);
    using writer = { db: new DatabaseSync(path), [Symbol.dispose]: () => writer.db.close() };
    writer.db.exec("BEGIN EXCLUSIVE; UPDATE sessions SET message_count = 5");
    const reading = countOf("a");
    const opening = openForeign(path);
    setImmediate(() => writer.db.exec("COMMIT"));
    expect(await reading).toBe(5);
    await opening.close();
  });

  test("cannot read an archive that stays locked, and reads it afterwards", async () => {
    const path = another("locked.db", "a");
    store = openForeign(path);
    using writer = { db: new DatabaseSync(path), [Symbol.dispose]: () => writer.db.close() };
    writer.db.exec("BEGIN EXCLUSIVE; UPDATE sessions SET message_count = 5");
    await expect(store.states(["a"])).rejects.toMatchObject({ code: "archive_unavailable" });
    writer.db.exec("COMMIT");
    expect(await countOf("a")).toBe(5);
  });

  test("follows a link to the file that it names now", async () => {
    const link = workspace.path("link.db");
    symlinkSync(archive.path, link);
    store = openForeign(link);
    expect(await countOf("a")).toBe(1);
    rmSync(link);
    symlinkSync(another("other.db", "b"), link);
    expect([await countOf("a"), await countOf("b")]).toEqual([undefined, 1]);
  });

  test("sees a writer arrive at an archive that was at rest", async () => {
    archive.db.close();
    store = openForeign(archive.path);
    const before = await store.revision();
    const writer = new ForeignArchiveWriter(archive.path);
    writer.touch("a");
    expect(await store.revision()).not.toBe(before);
    expect(await countOf("a")).toBe(2);
    writer.close();
  });
});

describe("a foreign archive", () => {
  test("stays as it was, with no new file beside it, when it is read at rest", async () => {
    archive.db.close();
    const folder = workspace.folder;
    const before = [readdirSync(folder), readFileSync(archive.path), statSync(archive.path).mtimeMs];
    const reader = openForeign(archive.path);
    await reader.states(["a"]);
    await reader.list();
    await reader.messages("a");
    expect([readdirSync(folder), readFileSync(archive.path), statSync(archive.path).mtimeMs]).toEqual(before);
    await reader.close();
    expect(readdirSync(folder)).toEqual(before[0] as string[]);
  });

  test("is never written to, not even by our own schema", async () => {
    const { archive: writable } = await openStore(`sqlite:${archive.path}`, {
      defaultPath: "/nonexistent/sessions.db",
    });
    expect(writable).toBeUndefined();
    expect(archive.db.prepare("PRAGMA user_version").get()).toEqual({ user_version: 90 });
  });
});

describe("hints", () => {
  test("come when another connection commits", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = store.onHint(() => resolve());
    archive.touch("a");
    await within(promise, () => "a hint");
    stop();
  });

  test("come from the new folder after the folder was replaced", async () => {
    mkdirSync(workspace.path("place"));
    const path = workspace.path("place", "view.db");
    copyFileSync(another("first.db", "a"), path);
    const replaced = openForeign(path);
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = replaced.onHint(() => resolve());
    renameSync(workspace.path("place"), workspace.path("old-place"));
    mkdirSync(workspace.path("place"));
    copyFileSync(another("second.db", "b"), path);
    // What a poll does.
    await replaced.revision();
    using writer = { db: new DatabaseSync(path), [Symbol.dispose]: () => writer.db.close() };
    writer.db.exec("UPDATE sessions SET message_count = 2");
    await within(promise, () => "a hint from the new folder");
    stop();
    await replaced.close();
  });

  test("do not come from readers, which write to the shared-memory file", async () => {
    await store.states(["a"]);
    const hinted: string[] = [];
    const stop = store.onHint(() => hinted.push("hint"));
    const sharedMemory = openSync(`${archive.path}-shm`, "r+");
    const byte = Buffer.alloc(1);
    readSync(sharedMemory, byte, 0, 1, 0);
    writeSync(sharedMemory, byte, 0, 1, 0);
    closeSync(sharedMemory);
    // Notifications come in order: when this unrelated file's has arrived, all earlier ones have.
    const { promise, resolve } = Promise.withResolvers<void>();
    const other = openForeign(another("marker.db", "m"));
    const stopOther = other.onHint(() => resolve());
    writeFileSync(workspace.path("marker.db-wal"), "");
    await within(promise, () => "a hint for the marker");
    expect(hinted).toEqual([]);
    stop();
    stopOther();
    await other.close();
  });
});

class ForeignArchiveWriter {
  readonly #db: DatabaseSync;

  constructor(path: string) {
    this.#db = new DatabaseSync(path);
  }

  touch(id: string): void {
    this.#db.prepare("UPDATE sessions SET message_count = message_count + 1 WHERE id = ?").run(id);
  }

  close(): void {
    this.#db.close();
  }
}
