import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { aider } from "../../../src/agents/aider/aider.ts";
import type { DocumentAgent } from "../../../src/agents/agent.ts";
import { WatchError } from "../../../src/errors.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { systemWatch } from "../../../src/sync/live/folder-watch.ts";
import { LiveSync } from "../../../src/sync/live/live.ts";
import { SyncEngine } from "../../../src/sync/engine.ts";
import type { Archive } from "../../../src/watch/archive.ts";
import { until } from "../../support/program.ts";
import { openOwn } from "../../support/stores.ts";
import { Workspace } from "../../support/workspace.ts";

const HEADER = "\n# aider chat started at 2026-05-01 10:00:00\n\n";
const POLL_MS = 20;

let workspace: Workspace;
let history: string;
let archive: Archive;
let live: LiveSync | undefined;
let failures: unknown[];
beforeEach(() => {
  workspace = new Workspace();
  const project = join(workspace.home, "app");
  mkdirSync(project, { recursive: true });
  history = join(project, ".aider.chat.history.md");
  writeFileSync(history, ["one", "two", "three"].map((text) => `${HEADER}#### ${text}  \n\n`).join(""));
  archive = openOwn(workspace.archive);
  failures = [];
});
afterEach(async () => {
  live?.stop();
  await archive.close();
  workspace[Symbol.dispose]();
});

test("an append costs one transaction, however many sessions the document has", async () => {
  await start();
  const sync = spyOn(archive, "sync");
  appendFileSync(history, "Yes.\n\n");
  await until(
    () => sync.mock.calls.length > 0,
    () => "a sync",
  );
  await quiet(5 * POLL_MS);
  expect(sync.mock.calls.map(([id]) => id.at(-1))).toEqual(["3"]);
});

test("a document that is as it was synced costs no transaction after a restart, and polls ask the archive nothing", async () => {
  await start();
  live?.stop();
  const sync = spyOn(archive, "sync");
  const all = spyOn(archive, "syncedTranscripts");
  await start();
  await quiet(5 * POLL_MS);
  expect([sync.mock.calls.length, all.mock.calls.length]).toEqual([0, 1]);
});

test("a session that cannot be written is tried again, and holds up no other", async () => {
  const sync = spyOn(archive, "sync");
  sync.mockImplementationOnce(() => Promise.reject(new WatchError("archive_unavailable", "not now")));
  await start();
  expect((await archive.list()).total).toBe(2);
  await until(
    async () => (await archive.list()).total === 3,
    () => "the third session",
  );
  expect(failures).toHaveLength(1);
});

test("a document that is incomplete is read once more, and then the old rows stay and the failure is reported", async () => {
  let reads = 0;
  const readsAtFailure: number[] = [];
  const push = spyOn(failures, "push");
  push.mockImplementation((...added) => {
    readsAtFailure.push(reads);
    return Array.prototype.unshift.apply(failures, added);
  });
  await start({
    ...aider,
    read(text, document) {
      if (!text.includes("broken")) return aider.read(text, document);
      reads += 1;
      throw new SyntaxError("it ends in the middle");
    },
  });
  writeFileSync(history, "broken");
  await until(
    () => failures.length > 0,
    () => "a failure",
  );
  expect(readsAtFailure[0]).toBe(2);
  expect(String(failures[0])).toContain("it ends in the middle");
  expect((await archive.list()).total).toBe(3);
});

test("sessions that have left the document stay in the archive", async () => {
  await start();
  rmSync(history);
  writeFileSync(history, `${HEADER}#### other  \n\n`);
  await until(
    async () => (await archive.list()).sessions.some((session) => session["first_message"] === "other"),
    () => "the new first run",
  );
  expect((await archive.list()).total).toBe(3);
});

test("a session that the archive has lost is written again when it is asked for", async () => {
  const surroundings = { env: {}, home: workspace.home, folders: [join(workspace.home, "app")] };
  const engine = new SyncEngine(archive, [aider], surroundings, { clock: systemClock });
  await engine.syncAll();
  const [session] = (await archive.list()).sessions;
  const id = session?.id ?? "";
  const other = new DatabaseSync(workspace.archive);
  other.exec(`PRAGMA foreign_keys = 1; DELETE FROM sessions WHERE id = '${id}'`);
  other.close();
  expect(await archive.get(id)).toBeNull();
  await engine.sync(id);
  expect(await archive.get(id)).toMatchObject({ id });
});

test("close() during a search leaves no watch behind", async () => {
  let opened = 0;
  const surroundings = { env: {}, home: workspace.home, folders: [join(workspace.home, "app")] };
  const folders = Promise.withResolvers<string[]>();
  spyOn(archive, "projectFolders").mockImplementation(() => folders.promise);
  const following = new LiveSync(
    new SyncEngine(archive, [aider], surroundings, { clock: systemClock }),
    systemClock,
    {
      pollIntervalMs: POLL_MS,
      watch: (...args) => {
        opened += 1;
        return systemWatch(...args);
      },
      onFailure: () => undefined,
      onUncovered: () => undefined,
    },
  );
  const started = following.start();
  following.stop();
  folders.resolve([]);
  await started;
  expect(opened).toBe(0);
});

async function start(agent: DocumentAgent = aider): Promise<void> {
  const surroundings = { env: {}, home: workspace.home, folders: [join(workspace.home, "app")] };
  live = new LiveSync(new SyncEngine(archive, [agent], surroundings, { clock: systemClock }), systemClock, {
    pollIntervalMs: POLL_MS,
    watch: systemWatch,
    onFailure: ({ error }) => void failures.push(error),
    onUncovered: (_folder, error) => {
      throw error;
    },
  });
  await live.start();
}

function quiet(ms: number): Promise<void> {
  return new Promise((resolve) => void systemClock.after(ms, resolve));
}
