import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { openCode } from "../../../src/agents/opencode/opencode.ts";
import { LiveSync } from "../../../src/sync/live/live.ts";
import { systemWatch } from "../../../src/sync/live/folder-watch.ts";
import { WatchError } from "../../../src/errors.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { OpenCodeDatabase } from "../../support/opencode.ts";
import { FIXTURES } from "../../support/recordings.ts";
import { SyncedArchive } from "../../support/synced.ts";
import { Workspace } from "../../support/workspace.ts";

const POLL_MS = 20;
const SUPPORT = join(import.meta.dir, "../../support/opencode.ts");

let workspace: Workspace;
let database: OpenCodeDatabase;
let synced: SyncedArchive;
let live: LiveSync | undefined;
let failures: unknown[];
beforeEach(() => {
  workspace = new Workspace();
  database = new OpenCodeDatabase(workspace.home);
  synced = new SyncedArchive(workspace.archive, workspace.home, { agent: openCode, folder: "home" });
  failures = [];
});
afterEach(async () => {
  live?.stop();
  database[Symbol.dispose]();
  await synced[Symbol.asyncDispose]();
  workspace[Symbol.dispose]();
});

test("a commit is synced although the sessions were listed by others after it", async () => {
  await start({ watches: false });
  const reached = synced.reached(database.id, "seen by others first");
  database.prompt("seen by others first");
  // What the feed, a list and a lookup ask.
  await synced.engine.sourceToken(database.id);
  await synced.engine.list();
  await reached;
});

test("a sync that failed is tried again, also when nothing more is committed", async () => {
  await start({ watches: true });
  const sync = spyOn(synced.archive, "sync");
  sync.mockImplementationOnce(() => Promise.reject(new WatchError("archive_unavailable", "not now")));
  const reached = synced.reached(database.id, "at the second try");
  database.prompt("at the second try");
  await reached;
  expect(failures).toHaveLength(1);
});

test.each(["all", "one"])("a database that is replaced by another file is followed (%s)", async (which) => {
  await start({ watches: true, ...(which === "one" ? { only: database.id } : {}) });
  const path = join(workspace.home, ".local/share/opencode/opencode.db");
  cpSync(path, `${path}.new`);
  database[Symbol.dispose]();
  renameSync(`${path}.new`, path);
  database = new OpenCodeDatabase(workspace.home, { isThere: true });
  const reached = synced.reached(database.id, "in another file");
  database.prompt("in another file");
  await reached;
});

test("a database that was overwritten in place, and its log removed, is followed", async () => {
  await start({ watches: true });
  const path = join(workspace.home, ".local/share/opencode/opencode.db");
  const bytes = readFileSync(join(FIXTURES, "opencode/.local/share/opencode/opencode.db"));
  for (const file of [`${path}-wal`, `${path}-shm`]) rmSync(file, { force: true });
  writeFileSync(path, bytes);
  const reached = synced.reached(database.id, "in another log");
  // Connections of one process share what they know of a log: another process begins a new one.
  const script = `import { OpenCodeDatabase } from ${JSON.stringify(SUPPORT)};
    new OpenCodeDatabase(process.argv[1], { isThere: true }).prompt("in another log");`;
  await Bun.spawn([process.execPath, "-e", script, workspace.home]).exited;
  await reached;
});

test("a session in the second of two databases is followed", async () => {
  database[Symbol.dispose]();
  const path = join(workspace.home, ".local/share/opencode/opencode.db");
  renameSync(path, path.replace("opencode.db", "opencode-dev.db"));
  database = new OpenCodeDatabase(workspace.home, { isThere: true, name: "opencode-dev.db" });
  await start({ watches: true, only: database.id });
  const reached = synced.reached(database.id, "in the second");
  database.prompt("in the second");
  await reached;
});

test("polls ask the archive nothing while nothing is committed, also where databases are missing", async () => {
  const all = spyOn(synced.archive, "syncedTranscripts");
  const one = spyOn(synced.archive, "source");
  const sync = spyOn(synced.archive, "sync");
  await start({ watches: false });
  const asked = [all.mock.calls.length, one.mock.calls.length, sync.mock.calls.length];
  expect(asked.slice(0, 2)).toEqual([1, 0]);
  await new Promise((resolve) => void systemClock.after(10 * POLL_MS, () => resolve(undefined)));
  expect([all.mock.calls.length, one.mock.calls.length, sync.mock.calls.length]).toEqual(asked);
});

async function start({ watches, only }: { watches: boolean; only?: string }): Promise<void> {
  live = new LiveSync(synced.engine, systemClock, {
    pollIntervalMs: POLL_MS,
    watch: watches ? systemWatch : null,
    onFailure: ({ error }) => void failures.push(error),
    onUncovered: (_folder, error) => {
      throw error;
    },
    ...(only === undefined ? {} : { only }),
  });
  await live.start();
}
