import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { openStore } from "../../src/mod.ts";
import type { OpenedStore } from "../../src/stores/open.ts";
import { ForeignArchive } from "../support/archives.ts";
import { Workspace } from "../support/workspace.ts";

let workspace: Workspace;

beforeEach(() => {
  workspace = new Workspace();
});
afterEach(() => workspace[Symbol.dispose]());

function open(url?: string): Promise<OpenedStore> {
  return openStore(url, { defaultPath: workspace.archive });
}

async function failure(url: string): Promise<unknown> {
  try {
    await open(url);
  } catch (error) {
    return error;
  }
  throw new Error(`${url} was opened`);
}

describe("openStore()", () => {
  test("creates our own archive with access for its owner only, and opens it again", async () => {
    await (await open()).store.close();
    expect(statSync(workspace.archive).mode & 0o777).toBe(0o600);
    const { store, archive } = await open();
    expect(archive).toBeDefined();
    await store.close();
  });

  test("takes a URL or a path for an existing file", async () => {
    const path = workspace.path("view", "sessions.db");
    using _archive = new ForeignArchive(path).add("a");
    for (const url of [
      `sqlite:${path}`,
      `sqlite://${path}`,
      `file:${path}`,
      pathToFileURL(path).href,
      path,
    ]) {
      const { store } = await open(url);
      expect((await store.list()).total).toBe(1);
      await store.close();
    }
  });

  test("never repeats a URL that was taken for a path, because it may hold a password", async () => {
    for (const url of [
      "postgres//user:secret@host/db",
      '"postgres://user:secret@host/db"',
      " postgres://user:secret@host/db",
      "DATABASE_URL=postgres://user:secret@host/db",
      "file:postgres://user:secret@host/db",
      "user:secret@host/db",
      "host=host password=secret dbname=db",
    ]) {
      const error = await openStore(url).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "usage" });
      expect(String(error)).not.toContain("secret");
    }
  });

  test("refuses an unknown scheme, names the valid ones, and never repeats what follows it", async () => {
    expect(await failure("mysql://root:hunter2@db/x")).toMatchObject({
      code: "usage",
      message:
        '--db: unknown scheme "mysql:"; use sqlite:, file:, postgres:, postgresql:, or the path of a file',
    });
  });

  test("says why a file is not an archive", async () => {
    const text = workspace.path("notes.txt");
    writeFileSync(text, "dear diary, ".repeat(100));
    const empty = workspace.path("empty.db");
    writeFileSync(empty, "");
    const folder = workspace.path("folder.db");
    mkdirSync(folder);
    const other = workspace.path("other.db");
    const db = new DatabaseSync(other);
    db.exec("CREATE TABLE songs (id TEXT)");
    db.close();
    const odd = workspace.path("odd.db");
    const oddDb = new DatabaseSync(odd);
    oddDb.exec("CREATE TABLE sessions (id TEXT)");
    oddDb.close();

    const reasons: [path: string, code: string, why: string][] = [
      [workspace.path("missing.db"), "archive_unavailable", "it does not exist"],
      [folder, "archive_unusable", "it is a directory"],
      [text, "archive_unusable", "it is not a SQLite database"],
      [empty, "archive_unusable", "it is empty"],
      [other, "archive_unusable", "it has no sessions table"],
      [odd, "archive_unusable", "its sessions table has no column message_count"],
    ];
    for (const [path, code, why] of reasons) {
      expect(await failure(`sqlite:${path}`)).toMatchObject({
        code,
        message: `Cannot read archive ${JSON.stringify(path)}: ${why}`,
      });
    }
  });

  test("refuses an archive of ours that a newer version has written", async () => {
    await (await open()).store.close();
    const db = new DatabaseSync(workspace.archive);
    db.exec("PRAGMA user_version = 7");
    db.close();
    const refusal = {
      code: "archive_unusable",
      message: expect.stringContaining(
        "was written by a newer sessionwatch (schema 7; this one knows 3): upgrade watch",
      ),
    };
    expect(await failure(`sqlite:${workspace.archive}`)).toMatchObject(refusal);
    await expect(open()).rejects.toMatchObject(refusal);
  });

  test("does not take over a foreign database at our path", async () => {
    mkdirSync(workspace.data);
    const db = new DatabaseSync(workspace.archive);
    db.exec("CREATE TABLE songs (id TEXT)");
    db.close();
    await expect(open()).rejects.toThrow("it is not a sessionwatch archive");
  });
});
