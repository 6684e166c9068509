import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { systemClock } from "../../src/runtime/clock.ts";
import { findDelegate, STAT_MS } from "../../src/agentsview/delegate.ts";
import type { Delegate } from "../../src/agentsview/delegate.ts";
import { findExecutable } from "../../src/agentsview/executable.ts";
import type { Store } from "../../src/watch/ports.ts";
import { Watcher } from "../../src/watch/watcher.ts";
import { FakeAgentsview, gone } from "../support/agentsview.ts";
import { ForeignArchive } from "../support/archives.ts";
import { FakeClock, settled } from "../support/clock.ts";
import { HangingFiles } from "../support/files.ts";
import { HOSTILE_IDS } from "../contract/store.ts";
import { until } from "../support/program.ts";
import { openForeign } from "../support/stores.ts";
import { Workspace } from "../support/workspace.ts";

/** Whole seconds after this: when a transcript was written. */
const EPOCH_S = 1767225600;

let workspace: Workspace;
let archive: ForeignArchive;
let store: Store;
let agentsview: FakeAgentsview;
let delegate: Delegate;

beforeEach(() => {
  workspace = new Workspace();
  archive = new ForeignArchive(workspace.path("view", "sessions.db"));
  store = openForeign(archive.path);
  agentsview = new FakeAgentsview(workspace.path("bin"));
  delegate = find();
});

afterEach(async () => {
  delegate.close();
  await store.close();
  archive[Symbol.dispose]();
  workspace[Symbol.dispose]();
});

function find(deadlineMs?: number): Delegate {
  const env = { ...workspace.env, PATH: agentsview.path };
  const options = { clock: systemClock, env, ...(deadlineMs === undefined ? {} : { deadlineMs }) };
  const found = findDelegate(archive.path, store, options);
  if (found === undefined) throw new Error("there is no delegate");
  return found;
}

/** Adds a session whose row is up to date. @returns its transcript's path. */
function add(id: string): string {
  const path = workspace.path(`${Bun.hash(id)}.jsonl`);
  writeFileSync(path, "{}\n");
  write(path, 0);
  archive.add(id).db.prepare("UPDATE sessions SET file_path = ? WHERE id = ?").run(path, id);
  return saw(id, path);
}

/** Makes the row say that agentsview has read the transcript as it is now. */
function saw(id: string, path: string): string {
  const { mtimeNs } = statSync(path, { bigint: true });
  archive.db.prepare("UPDATE sessions SET file_mtime = ? WHERE id = ?").run(mtimeNs, id);
  return path;
}

/** Makes the transcript one that was written so many seconds after the first time. */
function write(path: string, second: number): void {
  utimesSync(path, EPOCH_S + second, EPOCH_S + second + 0.123456);
}

async function stored(id: string): Promise<string | null | undefined> {
  return (await store.states([id])).get(id)?.sourceToken;
}

async function isBehind(id: string): Promise<boolean> {
  const source = await delegate.sourceToken(id);
  return source !== null && source !== (await stored(id));
}

describe("findDelegate()", () => {
  const options = { clock: systemClock };

  test("finds none where there is no agentsview on the PATH", () => {
    const env = { PATH: workspace.path("nothing") };
    expect(findDelegate(archive.path, store, { ...options, env })).toBeUndefined();
    expect(findDelegate(archive.path, store, { ...options, env: {} })).toBeUndefined();
  });

  test("finds none for an archive that agentsview would not find by its folder", () => {
    const env = { PATH: agentsview.path };
    expect(findDelegate(workspace.path("view", "copy.db"), store, { ...options, env })).toBeUndefined();
  });
});

describe("findExecutable()", () => {
  test("takes the first on the PATH that is a file and can be executed", () => {
    mkdirSync(workspace.path("a", "tool"), { recursive: true });
    for (const folder of ["b", "c", "d"]) {
      mkdirSync(workspace.path(folder));
      writeFileSync(workspace.path(folder, "tool"), "");
    }
    chmodSync(workspace.path("c", "tool"), 0o755);
    chmodSync(workspace.path("d", "tool"), 0o755);
    const PATH = ["a", "b", "c", "d"].map((folder) => workspace.path(folder)).join(":");
    expect(findExecutable("tool", { PATH }, "linux")).toBe(workspace.path("c", "tool"));
  });

  test("passes by relative folders: a stranger's folder has no say", () => {
    const PATH = `:.:${relative(process.cwd(), agentsview.folder)}`;
    expect(findExecutable("agentsview", { PATH }, "linux")).toBeNull();
  });

  test("on Windows tries the endings of PATHEXT that need no shell", () => {
    const folder = workspace.path("windows");
    mkdirSync(folder);
    for (const name of ["tool", "tool.CMD", "tool.EXE"]) {
      writeFileSync(workspace.path("windows", name), "");
      chmodSync(workspace.path("windows", name), 0o755);
    }
    const PATH = `${workspace.path("nothing")};${folder}`;
    expect(findExecutable("tool", { PATH, PATHEXT: ".CMD;.EXE" }, "win32")).toBe(
      workspace.path("windows", "tool.EXE"),
    );
    expect(findExecutable("tool", { PATH, PATHEXT: ".CMD" }, "win32")).toBeNull();
    expect(findExecutable("tool", { PATH }, "win32")).toBe(workspace.path("windows", "tool.EXE"));
  });
});

describe("Delegate.sourceToken()", () => {
  test("equals the stored one exactly while the archive is up to date", async () => {
    const path = add("a");
    expect([await isBehind("a"), await delegate.sourceToken("a")]).toEqual([false, `${EPOCH_S}123`]);
    write(path, 1);
    expect(await isBehind("a")).toBe(true);
    saw("a", path);
    expect(await isBehind("a")).toBe(false);
  });

  test("is null for a transcript that is gone, and follows it to its new place", async () => {
    const path = add("a");
    await delegate.sourceToken("a");
    renameSync(path, `${path}.moved`);
    expect(await delegate.sourceToken("a")).toBeNull();
    archive.db.prepare("UPDATE sessions SET file_path = ?").run(`${path}.moved`);
    expect(await delegate.sourceToken("a")).toBe(`${EPOCH_S}123`);
  });

  test.each([
    ["a session that is not there", "DELETE FROM sessions"],
    ["a session in the trash", "UPDATE sessions SET deleted_at = '2026'"],
    ["a row without a path", "UPDATE sessions SET file_path = NULL"],
    ["a path that is a folder", "UPDATE sessions SET file_path = '/'"],
    ["a row without a time", "UPDATE sessions SET file_mtime = 0"],
    ["an archive without paths", "ALTER TABLE sessions DROP COLUMN file_path"],
    ["an archive without times", "ALTER TABLE sessions DROP COLUMN file_mtime"],
  ])("is null for %s", async (_what, change) => {
    const path = add("a");
    write(path, 1);
    archive.db.exec(change);
    expect(await delegate.sourceToken("a")).toBeNull();
    await delegate.sync("a");
    expect(agentsview.calls).toEqual([]);
  });

  test("is null while the archive cannot be read", async () => {
    add("a");
    await store.close();
    expect(await delegate.sourceToken("a")).toBeNull();
  });

  test("asks the archive once, then only the file system", async () => {
    add("a");
    await delegate.sourceToken("a");
    archive.db.exec("UPDATE sessions SET file_path = NULL");
    expect(await delegate.sourceToken("a")).toBe(`${EPOCH_S}123`);
  });

  test("is the stored one for a transcript that agentsview has nothing to add to", async () => {
    const path = add("a");
    agentsview.conduct = "keep";
    write(path, 1);
    expect(await isBehind("a")).toBe(true);
    await delegate.sync("a");
    expect(await isBehind("a")).toBe(false);
    write(path, 2);
    expect(await isBehind("a")).toBe(true);
  });
});

describe("Delegate on a file system that does not answer", () => {
  test("has one stat under way, whatever number of sessions is followed there, and goes on when it is back", async () => {
    const clock = new FakeClock();
    const files = new HangingFiles();
    const stat = async (path: string) => (await files.stats([path]))[0] ?? null;
    const env = { ...workspace.env, PATH: agentsview.path };
    const delegate = findDelegate(archive.path, store, { clock, env, stat });
    const ids = ["a", "b", "c"];
    for (const id of ids) add(id);
    files.hang(workspace.folder);
    const tokens = Promise.all(ids.map((id) => delegate?.sourceToken(id)));
    while (files.hanging === 0) await settled();
    await clock.advance(STAT_MS);
    expect(await tokens).toEqual([null, null, null]);
    expect(files.begun).toBe(1);
    await expect(delegate?.sync("a")).rejects.toMatchObject({
      code: "transcript_unreadable",
      message: "Cannot read transcripts: their file system does not answer",
    });
    files.release();
    while (files.running > 0) await settled();
    expect(await delegate?.sourceToken("a")).toBe(`${EPOCH_S}123`);
  });
});

describe("Delegate.sync()", () => {
  test("asks agentsview to sync this session into this archive, and to leave nothing running", async () => {
    const path = add("-a");
    write(path, 1);
    await delegate.sync("-a");
    const folder = workspace.path("view");
    expect(agentsview.calls).toEqual([
      {
        args: ["session", "sync", "--", "-a"],
        pid: expect.any(Number),
        AGENTSVIEW_DATA_DIR: folder,
        AGENT_VIEWER_DATA_DIR: folder,
        AGENTSVIEW_NO_DAEMON: "1",
      },
    ]);
    expect(await isBehind("-a")).toBe(false);
    expect((await store.get("-a"))?.message_count).toBe(2);
  });

  test("hands on any id as it is, but for one that no program can be given", async () => {
    for (const id of HOSTILE_IDS) {
      write(add(id), 1);
      const asked = delegate.sync(id);
      if (id.includes("\0")) await expect(asked).rejects.toMatchObject({ code: "transcript_unreadable" });
      else await asked;
    }
    const asked = agentsview.calls.map(({ args }) => args.at(-1));
    expect(asked).toEqual(HOSTILE_IDS.filter((id) => !id.includes("\0")));
  });

  test("runs one process at a time", async () => {
    const ids = ["a", "b", "c"];
    for (const id of ids) write(add(id), 1);
    await Promise.all(ids.map((id) => delegate.sync(id)));
    expect(agentsview.versionCalls).toBe(1);
    expect(agentsview.startsAndEnds).toEqual(ids.flatMap((id) => [`start ${id}`, `end ${id}`]));
  });

  test("fails with one line that says why and holds no password, and the next in turn is not held up", async () => {
    write(add("a"), 1);
    write(add("b"), 1);
    agentsview.conduct = "fail";
    const failing = [delegate.sync("a"), delegate.sync("b")];
    for (const { reason } of (await Promise.allSettled(failing)) as PromiseRejectedResult[]) {
      expect(reason).toMatchObject({
        code: "transcript_unreadable",
        message: "agentsview failed with exit code 1: fatal: cannot reach postgres://***@db/x: torn",
      });
    }
    agentsview.conduct = "sync";
    await delegate.sync("a");
    expect(await isBehind("a")).toBe(false);
  });

  test("kills a process that hangs at the deadline, and what that has started", async () => {
    write(add("a"), 1);
    agentsview.conduct = "hang";
    delegate = find(1000);
    await expect(delegate.sync("a")).rejects.toMatchObject({
      code: "transcript_unreadable",
      message: "agentsview took too long and was killed: 2026/01/01 00:00:00 migration: noise",
    });
    expect(agentsview.calls).toMatchObject([{ childPid: expect.any(Number) }]);
    await Promise.all(agentsview.calls.map(gone));
  });

  test("ends quietly, with its process, when it is closed", async () => {
    write(add("a"), 1);
    write(add("b"), 1);
    agentsview.conduct = "hang";
    const syncing = Promise.all([delegate.sync("a"), delegate.sync("b")]);
    await until(
      () => agentsview.startsAndEnds.length > 0,
      () => "a start",
    );
    delegate.close();
    await syncing;
    expect(agentsview.calls.length).toBe(1);
    await Promise.all(agentsview.calls.map(gone));
  });

  test.each(["v0.22.2", "v0.16.1"])("never asks %s: it would start its server", async (version) => {
    agentsview = new FakeAgentsview(workspace.path("old"), version);
    delegate = find();
    write(add("a"), 1);
    const number = version.split(".").slice(0, 2).join(".");
    await expect(delegate.sync("a")).rejects.toMatchObject({
      code: "transcript_unreadable",
      message: `agentsview ${number} cannot sync a single session; v0.23 or later can`,
    });
    expect(agentsview.calls).toEqual([]);
  });

  test.each(["v0.23.0", "v1.0.0", "dev"])("asks %s", async (version) => {
    agentsview = new FakeAgentsview(workspace.path("other"), version);
    delegate = find();
    write(add("a"), 1);
    await delegate.sync("a");
    expect(agentsview.calls.length).toBe(1);
  });

  test("fails when agentsview has been uninstalled", async () => {
    write(add("a"), 1);
    rmSync(agentsview.folder, { recursive: true });
    await expect(delegate.sync("a")).rejects.toMatchObject({
      code: "transcript_unreadable",
      message: expect.stringMatching(/^agentsview cannot be started: .*ENOENT/),
    });
  });
});

describe("Watcher with a delegate", () => {
  const SYNC_DELAY_MS = 100;
  let failures: { message: string; atMs: number }[];
  let watcher: Watcher;

  beforeEach(() => {
    failures = [];
    watcher = new Watcher(store, delegate, {
      clock: systemClock,
      pollIntervalMs: 10,
      syncDelayMs: SYNC_DELAY_MS,
      onSyncError: (id, error) => failures.push({ message: `${id}: ${error}`, atMs: performance.now() }),
    });
  });

  test("asks once for all who follow a session that lags, and tells them", async () => {
    const path = add("a");
    const subscriptions = [1, 2, 3].map(() => watcher.events("a"));
    await Promise.all(subscriptions.map(({ ready }) => ready));
    write(path, 1);
    const iterators = subscriptions.map((subscription) => subscription[Symbol.asyncIterator]());
    const updates = await Promise.all(iterators.map((iterator) => iterator.next()));
    for (const { value } of updates)
      expect(value).toMatchObject({ event: "session_updated", data: "a", message_count: 2 });
    expect([agentsview.calls.length, failures]).toEqual([1, []]);
    for (const subscription of subscriptions) subscription.close();
  });

  test("asks again with longer pauses while it fails, with one warning each, until it succeeds", async () => {
    const path = add("a");
    agentsview.conduct = "fail";
    const subscriptions = [watcher.events("a"), watcher.events("a")];
    await Promise.all(subscriptions.map(({ ready }) => ready));
    write(path, 1);
    await until(
      () => failures.length >= 3,
      () => "three failures",
    );
    agentsview.conduct = "sync";
    const [first = 0, second = 0, third = 0] = failures.map(({ atMs }) => atMs);
    // A failure comes when its process has ended: some ms after what the pause is counted from.
    expect(third - second).toBeGreaterThan((second - first) * 1.2);
    const [{ value } = { value: undefined }] = await Promise.all(
      subscriptions.map((subscription) => subscription[Symbol.asyncIterator]().next()),
    );
    expect(value).toMatchObject({ event: "session_updated", message_count: 2 });
    expect([agentsview.calls.length, failures.length]).toEqual([4, 3]);
    for (const subscription of subscriptions) subscription.close();
  });
});
