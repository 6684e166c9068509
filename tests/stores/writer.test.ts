import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { renameSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Archive, SourceRecord, SyncTransaction } from "../../src/watch/archive.ts";
import type { SessionFacts } from "../../src/watch/transcript.ts";
import { openOwn } from "../support/stores.ts";
import { Workspace } from "../support/workspace.ts";

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

const FACTS: SessionFacts = {
  agent: "claude",
  project: "demo",
  cwd: null,
  gitBranch: null,
  firstMessage: null,
  displayName: null,
  title: null,
  startedAt: null,
  endedAt: null,
  parentSessionId: null,
  relationshipType: null,
  sourceSessionId: null,
  sourceVersion: null,
  isAutomated: false,
  malformedLines: 0,
};

const FILE = {
  path: "/a.jsonl",
  token: "t",
  offset: 10,
  fingerprint: "f",
  mtimeNs: 1_767_225_600_123_456_789n,
  inode: 1n,
  device: 2n,
};
const SOURCE: SourceRecord = {
  files: [FILE, { ...FILE, path: "/b.jsonl", token: "u" }],
  revision: 3,
  parserState: "{}",
};

async function save(transaction: SyncTransaction): Promise<void> {
  await transaction.write([]);
  await transaction.save(FACTS, SOURCE);
}

describe("Archive.sync()", () => {
  test("commits what was saved, exactly", async () => {
    await archive.sync("a", save);
    expect(await archive.source("a")).toEqual(SOURCE);
    expect((await archive.syncedTranscripts()).get("a")).toEqual({
      files: [
        { path: "/a.jsonl", token: "t", offset: 10 },
        { path: "/b.jsonl", token: "u", offset: 10 },
      ],
      revision: 3,
    });
    // A transcript that has lost a file keeps nothing of it.
    await archive.sync("a", (transaction) => transaction.save(FACTS, { ...SOURCE, files: [FILE] }));
    expect((await archive.source("a"))?.files).toEqual([FILE]);
    expect((await archive.states(["a"])).get("a")).toMatchObject({ messageCount: 0, sourceToken: "t" });
  });

  test("commits nothing when its work fails or saves nothing, and passes the failure on as it is", async () => {
    const failure = new TypeError("a bug");
    const failing = archive.sync("a", async (transaction) => {
      await save(transaction);
      throw failure;
    });
    await expect(failing).rejects.toBe(failure);
    await failing.catch(() => undefined);
    await archive.sync("b", (transaction) => transaction.write([]));
    expect((await archive.list()).total).toBe(0);
  });

  test("shows nobody what is not committed yet, not even its own process", async () => {
    await archive.sync("a", async (transaction) => {
      await save(transaction);
      expect([
        (await archive.syncedTranscripts()).size,
        await archive.source("a"),
        (await archive.list()).total,
      ]).toEqual([0, null, 0]);
    });
    expect((await archive.list()).total).toBe(1);
  });

  test("takes turns, in this process and with others", async () => {
    using other = { archive: open(), [Symbol.dispose]: () => void other.archive.close() };
    const log: string[] = [];
    const work = (name: string) => async (transaction: SyncTransaction) => {
      log.push(`${name} begins`);
      await save(transaction);
      await new Promise((resolve) => setImmediate(resolve));
      log.push(`${name} ends`);
    };
    await Promise.all([
      archive.sync("a", work("1")),
      archive.sync("b", work("2")),
      other.archive.sync("c", work("3")),
    ]);
    for (let turn = 0; turn < 6; turn += 2) {
      expect(log[turn + 1]).toBe(log[turn]?.replace("begins", "ends") ?? "");
    }
    expect((await archive.list()).total).toBe(3);
  });

  test("goes on with the archive that another process has made in place of a lost one", async () => {
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

  test("leaves a session alone that was excluded or trashed", async () => {
    await archive.sync("trashed", save);
    const db = new DatabaseSync(workspace.archive);
    db.exec(
      "UPDATE sessions SET deleted_at = '2026-01-01'; INSERT INTO excluded_sessions VALUES ('excluded')",
    );
    db.close();
    for (const id of ["trashed", "excluded"]) {
      await archive.sync(id, async ({ isOffLimits }) => expect(isOffLimits).toBe(true));
    }
  });
});
