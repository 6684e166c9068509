import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { claudeCode } from "../../src/agents/claude-code/claude-code.ts";
import { codex } from "../../src/agents/codex/codex.ts";
import { SyncEngine } from "../../src/sync/engine.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { imageOf } from "../support/archive-image.ts";
import { ClaudeTranscript } from "../support/claude.ts";
import { FakeClock, hurriedClock } from "../support/clock.ts";
import { prompt } from "../support/codex.ts";
import { listening } from "../support/listening.ts";
import { openOwn } from "../support/stores.ts";
import { until } from "../support/program.ts";
import { SyncedArchive } from "../support/synced.ts";
import type { SyncedOptions } from "../support/synced.ts";
import { Workspace } from "../support/workspace.ts";

let workspace: Workspace;
let opened: SyncedArchive[];
beforeEach(() => {
  workspace = new Workspace();
  opened = [];
});
afterEach(async () => {
  for (const synced of opened) await synced[Symbol.asyncDispose]();
  workspace[Symbol.dispose]();
});

test("syncFile() says that nothing has changed, and reads nothing, when nothing has", async () => {
  const agent = listening();
  const synced = archive({ agent });
  const transcript = new ClaudeTranscript(workspace.claude).user("one");
  await synced.sync(transcript.path);
  expect(await synced.restart().sync(transcript.path)).toBe(false);
  expect(agent.parsed).toHaveLength(1);
});

test("syncFile() notes where a transcript has moved to, and reads nothing again", async () => {
  const agent = listening();
  const synced = archive({ agent });
  const transcript = new ClaudeTranscript(workspace.claude).user("one");
  await synced.sync(transcript.path);
  const moved = new ClaudeTranscript(workspace.claude, transcript.id, "-elsewhere");
  renameSync(transcript.path, moved.path);
  await synced.engine.syncAll();
  expect(synced.query("SELECT file_path FROM sessions")).toEqual([{ file_path: moved.path }]);
  expect(agent.parsed).toHaveLength(1);
  await synced.expectLikeFullImport();
  expect((await synced.engine.syncAll()).files).toBe(0);

  moved.user("two");
  await synced.restart().engine.sync(transcript.id);
  expect(synced.texts(transcript.id)).toEqual(["one", "two"]);
  expect(agent.parsed).toHaveLength(2);
});

test("syncFile() takes the one written last of two with one id, and does not go to and fro", async () => {
  const agent = listening();
  const synced = archive({ agent });
  const older = new ClaudeTranscript(workspace.claude).user("one");
  const newer = new ClaudeTranscript(workspace.claude, older.id, "-a-copy").user("one").user("two");
  utimesSync(older.path, 1000, 1000);
  for (let round = 0; round < 3; round += 1) {
    for (const { path } of [older, newer]) await synced.sync(path);
  }
  expect(synced.texts(older.id)).toEqual(["one", "two"]);
  // Each was read once: the older one before the other was known.
  expect(agent.parsed).toHaveLength(3);
});

test("syncFile() reads anew what another revision of the parser has begun", async () => {
  const transcript = new ClaudeTranscript(workspace.claude).user("one");
  await archive().sync(transcript.path);
  transcript.user("two");
  const agent = { ...listening(), revision: claudeCode.revision + 1 };
  await archive({ agent }).sync(transcript.path);
  expect(agent.parsed).toHaveLength(2);
});

test("sync() leaves a session as it is while its transcript is gone, and starts over when it is back", async () => {
  const clock = new FakeClock();
  const synced = archive({ clock });
  const transcript = new ClaudeTranscript(workspace.claude).user("one").user("two");
  await synced.engine.sync(transcript.id);
  await clock.advance(50);
  rmSync(transcript.path);
  expect(await synced.engine.sourceToken(transcript.id)).toBeNull();
  await synced.engine.sync(transcript.id);
  expect(synced.texts(transcript.id)).toEqual(["one", "two"]);

  transcript.user("three");
  // Operations on the real disk that are under way must not meet their deadline on the fake clock.
  await until(
    () => clock.pending === 0,
    () => "the end of all operations",
  );
  await clock.advance(60_000);
  expect(await synced.engine.sourceToken(transcript.id)).not.toBeNull();
  await synced.engine.sync(transcript.id);
  expect(synced.texts(transcript.id)).toEqual(["three"]);
});

test("sourceToken() equals the stored one exactly while the archive is up to date", async () => {
  const synced = archive();
  const transcript = new ClaudeTranscript(workspace.claude).user("one");
  await synced.engine.sync(transcript.id);
  const token = async (): Promise<unknown> =>
    (await synced.archive.states([transcript.id])).get(transcript.id)?.sourceToken;
  expect(await synced.engine.sourceToken(transcript.id)).toBe((await token()) as string);
  transcript.write("{");
  expect(await synced.engine.sourceToken(transcript.id)).not.toBe((await token()) as string);
});

test("fault 14: find() searches the folders once for many sessions without a transcript, and ever more rarely", async () => {
  let looks = 0;
  const agent = {
    ...claudeCode,
    placeOf(path: string) {
      looks += 1;
      return claudeCode.placeOf(path);
    },
  };
  const clock = new FakeClock();
  const synced = archive({ clock, agent });
  new ClaudeTranscript(workspace.claude).user("one");
  looks = 0;
  const searches: number[] = [];
  for (let second = 0; second < 300; second += 1) {
    const found = await Promise.all(Array.from({ length: 20 }, (_, n) => synced.engine.find(`lost-${n}`)));
    expect(found.every((transcript) => transcript === null)).toBe(true);
    if (looks > 0) searches.push(second);
    expect(looks).toBeLessThanOrEqual(1);
    looks = 0;
    await clock.advance(1000);
  }
  expect(searches.slice(0, 4)).toEqual([0, 2, 5, 11]);
  expect(searches.length).toBeLessThan(12);
});

test("look() takes the newer of two transcripts of one session", async () => {
  const synced = archive();
  const old = new ClaudeTranscript(workspace.claude).user("old");
  utimesSync(old.path, 1, 1);
  const young = new ClaudeTranscript(workspace.claude, old.id, "-elsewhere").user("young");
  await synced.engine.find(old.id);
  expect((await synced.engine.lines.index.look(old.id))?.files[0].path).toBe(young.path);
});

test("syncAll() reads a session whose files lie in two roots as a whole, and is then done with it", async () => {
  const id = "01a0f000-0000-7000-8000-00000000000a";
  const places = ["archived_sessions", "sessions/2026/01/01"];
  for (const [n, place] of places.entries()) {
    const name = `rollout-2026-01-01T00-00-0${n}-${id}${n === 0 ? "" : `_${n}`}.jsonl`;
    const path = workspace.path("codex", place, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${JSON.stringify(prompt(`part ${n}`))}\n`);
  }
  const path = workspace.path("codex.db");
  await using synced = new SyncedArchive(path, workspace.path("codex"), {
    clock: hurriedClock,
    agent: codex,
  });
  await synced.engine.syncAll();
  expect(synced.texts(`codex:${id}`)).toEqual(["part 0", "part 1"]);
  expect((await synced.restart().engine.syncAll()).files).toBe(0);
});

test("syncAll() reports a transcript that cannot be read, and syncs the others", async () => {
  const agent = listening((_lines, id) => {
    if (id === "broken") throw new Error("broken off");
  });
  const synced = archive({ agent });
  const broken = new ClaudeTranscript(workspace.claude, "broken").user("one");
  const good = new ClaudeTranscript(workspace.claude).user("one");
  const { files, filesDone, failures } = await synced.engine.syncAll();
  expect({ files, filesDone }).toEqual({ files: 2, filesDone: 2 });
  expect(failures.map(({ path }) => path)).toEqual([broken.path]);
  expect(synced.texts(good.id)).toEqual(["one"]);
});

test("syncAll() passes by folders, dead links and links to folders that are called like transcripts", async () => {
  const synced = archive();
  const { path } = new ClaudeTranscript(workspace.claude).user("one");
  mkdirSync(join(dirname(path), "folder.jsonl"));
  symlinkSync(join(dirname(path), "nowhere"), join(dirname(path), "dead.jsonl"));
  symlinkSync(dirname(path), join(dirname(path), "loop.jsonl"));
  expect(await synced.engine.syncAll()).toMatchObject({ files: 1, failures: [] });
});

test("a session in the trash or excluded is left alone", async () => {
  for (const sql of [
    "UPDATE sessions SET deleted_at = '2026-01-01T00:00:00Z'",
    "INSERT INTO excluded_sessions SELECT id FROM sessions",
  ]) {
    const synced = archive();
    const transcript = new ClaudeTranscript(workspace.claude).user("one");
    await synced.sync(transcript.path);
    synced.change(sql);
    const before = imageOf(synced.path);
    transcript.user("two");
    expect(await synced.sync(transcript.path)).toBe(false);
    expect(imageOf(synced.path)).toEqual(before);
  }
});

test("two engines on two connections that sync one transcript at once never double a message", async () => {
  const transcript = new ClaudeTranscript(workspace.claude).user("0");
  const first = archive();
  const second = openOwn(first.path);
  try {
    const surroundings = { env: { CLAUDE_CONFIG_DIR: workspace.claude }, home: workspace.folder };
    for (let n = 1; n <= 30; n += 1) {
      transcript.user(String(n)).assistant(`re ${n}`, `msg_${Math.ceil(n / 2)}`);
      const engines = [
        first.restart().engine,
        new SyncEngine(second, [claudeCode], surroundings, { clock: systemClock }),
      ];
      await Promise.all(engines.map((engine) => engine.sync(transcript.id)));
    }
    await first.expectLikeFullImport();
  } finally {
    await second.close();
  }
});

function archive(options: SyncedOptions = {}): SyncedArchive {
  const path = workspace.path(`${opened.length}`, "sessions.db");
  const synced = new SyncedArchive(path, workspace.claude, { clock: hurriedClock, ...options });
  opened.push(synced);
  return synced;
}

test("sourceToken() remembers nothing of sessions that have no transcript: anybody can make up ids", async () => {
  const synced = archive();
  Bun.gc(true);
  const before = process.memoryUsage().heapUsed;
  for (let n = 0; n < 500; n += 1)
    expect(await synced.engine.sourceToken(`${n}-${"x".repeat(100_000)}`)).toBeNull();
  Bun.gc(true);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(20_000_000);
});
