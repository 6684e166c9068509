import { EventEmitter } from "node:events";
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { claudeCode } from "../../../src/agents/claude-code/claude-code.ts";
import { codex } from "../../../src/agents/codex/codex.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import type { SyncEngine } from "../../../src/sync/engine.ts";
import { systemWatch } from "../../../src/sync/live/folder-watch.ts";
import type { Watch } from "../../../src/sync/live/folder-watch.ts";
import { LiveSync } from "../../../src/sync/live/live.ts";
import type { LiveOptions } from "../../../src/sync/live/live.ts";
import { READ_MS } from "../../../src/sync/reading/guarded-files.ts";
import type { Clock } from "../../../src/async/clock.ts";
import { ClaudeTranscript } from "../../support/claude.ts";
import { deadlinesOf, FakeClock, hurriedClock, settled } from "../../support/clock.ts";
import { CodexRollout } from "../../support/codex.ts";
import { CountingFiles, HangingFiles } from "../../support/files.ts";
import { listening } from "../../support/listening.ts";
import { until } from "../../support/program.ts";
import { SyncedArchive } from "../../support/synced.ts";
import type { SyncedOptions } from "../../support/synced.ts";
import { Workspace } from "../../support/workspace.ts";

const POLL_MS = 1500;
/** So long that only notifications can be what syncs. */
const NEVER_MS = 2 ** 30;

let workspace: Workspace;
let opened: SyncedArchive[];
let running: LiveSync[];
beforeEach(() => {
  workspace = new Workspace();
  opened = [];
  running = [];
});
afterEach(async () => {
  for (const live of running) live.stop();
  for (const synced of opened) await synced[Symbol.asyncDispose]();
  workspace[Symbol.dispose]();
});

test("an append is synced through notifications", async () => {
  const transcript = new ClaudeTranscript(workspace.claude);
  const synced = archive();
  await start(synced.engine);
  const texts = Array.from({ length: 10 }, (_, n) => `text ${n}`);
  for (const text of texts) {
    const done = synced.reached(transcript.id, text);
    transcript.user(text);
    await done;
  }
  expect(synced.texts(transcript.id)).toEqual(texts);
});

test("what follows a change so closely that no notification of it comes is synced all the same", async () => {
  // Nothing that is written to the target of a link is notified in the folder of the link.
  const target = new ClaudeTranscript(workspace.path("elsewhere"), "session").user("one");
  const link = new ClaudeTranscript(workspace.claude, "session");
  const synced = archive();
  await start(synced.engine);
  const first = synced.reached("session", "one");
  const second = synced.reached("session", "two");
  symlinkSync(target.path, link.path);
  await first;
  target.user("two");
  await second;
});

test("what no notification has told of is found by a full look, once a minute", async () => {
  const clock = new FakeClock();
  const target = new ClaudeTranscript(workspace.path("elsewhere"), "session").user("one");
  const link = new ClaudeTranscript(workspace.claude, "session");
  symlinkSync(target.path, link.path);
  const synced = archive();
  await start(synced.engine, { clock });
  target.user("two");
  const done = synced.reached("session", "two");
  await poll(clock, done);
  await done;
});

test("a new session is synced through notifications, in a known folder and in a new one", async () => {
  new ClaudeTranscript(workspace.claude).user("one");
  const synced = archive();
  await start(synced.engine);
  for (const folder of [undefined, "-new", "-newer"]) {
    const id = crypto.randomUUID();
    const done = synced.reached(id, "hello");
    new ClaudeTranscript(workspace.claude, id, folder).user("hello");
    await done;
  }
});

test("a subagent is synced through notifications as soon as its folders appear", async () => {
  const parent = new ClaudeTranscript(workspace.claude).user("one");
  const synced = archive();
  await start(synced.engine);
  const done = synced.reached("agent-1", "do this");
  const folder = join("-home-someone-projects-demo-app", parent.id, "subagents");
  new ClaudeTranscript(workspace.claude, "agent-1", folder).user("do this");
  await done;
  expect(synced.query("SELECT parent_session_id AS parent FROM sessions WHERE id = 'agent-1'")).toEqual([
    { parent: parent.id },
  ]);
});

test("a folder of transcripts that is moved into the projects is synced through notifications", async () => {
  const elsewhere = workspace.path("elsewhere");
  const transcript = new ClaudeTranscript(elsewhere).user("one");
  mkdirSync(join(workspace.claude, "projects"));
  const synced = archive();
  await start(synced.engine);
  const done = synced.reached(transcript.id, "one");
  renameSync(dirname(transcript.path), join(workspace.claude, "projects", "-moved"));
  await done;
});

test("a projects folder that appears later is found by the next poll, and watched from then on", async () => {
  const clock = new FakeClock();
  const synced = archive();
  await start(synced.engine, { clock });
  const first = synced.reached("first", "hello");
  new ClaudeTranscript(workspace.claude, "first").user("hello");
  await clock.advance(POLL_MS);
  await first;

  const second = synced.reached("second", "hello");
  new ClaudeTranscript(workspace.claude, "second").user("hello");
  await second;
});

test("a projects folder that is removed, and at once or later made anew, is watched again", async () => {
  const clock = new FakeClock();
  const synced = archive();
  const root = join(workspace.claude, "projects");
  mkdirSync(root);
  const watched: string[] = [];
  const watch: Watch = (path, ...args) => {
    watched.push(path);
    return systemWatch(path, ...args);
  };
  await start(synced.engine, { clock, watch });
  for (const polls of [0, 3]) {
    const before = watched.length;
    // The new folder may well get the old one's inode.
    rmSync(root, { recursive: true });
    for (let n = 0; n < polls; n += 1) await clock.advance(POLL_MS);
    const found = synced.reached(`found-${polls}`, "hello");
    new ClaudeTranscript(workspace.claude, `found-${polls}`).user("hello");
    await poll(clock, found);
    // It may be found before it is notified that the old folder has gone.
    while (watched.length === before) await onePoll(clock);
    const notified = synced.reached(`notified-${polls}`, "hello");
    new ClaudeTranscript(workspace.claude, `notified-${polls}`, "-another").user("hello");
    await notified;
  }
});

test("`only` follows one session and reads nothing else", async () => {
  const agent = listening();
  const synced = archive({ agent });
  const other = new ClaudeTranscript(workspace.claude).user("other");
  const transcript = new ClaudeTranscript(workspace.claude).user("one");
  await start(synced.engine, { only: transcript.id });
  for (const text of ["two", "three"]) {
    // In the same folder and earlier: were it followed, it would be read first.
    other.user("not for us");
    const done = synced.reached(transcript.id, text);
    transcript.user(text);
    await done;
  }
  expect(agent.parsed.filter((line) => !line.includes(transcript.id))).toEqual([]);
  expect(synced.query("SELECT id FROM sessions")).toEqual([{ id: transcript.id }]);
});

test("`only` finds its session again when the transcript has moved", async () => {
  const clock = new FakeClock();
  const synced = archive();
  const transcript = new ClaudeTranscript(workspace.claude).user("one");
  await start(synced.engine, { clock, only: transcript.id });
  const moved = new ClaudeTranscript(workspace.claude, transcript.id, "-elsewhere");
  renameSync(transcript.path, moved.path);
  moved.user("two");
  const done = synced.reached(transcript.id, "two");
  await clock.advance(POLL_MS);
  await done;
  const next = synced.reached(transcript.id, "three");
  moved.user("three");
  await next;
});

test("the poll syncs what notifications have missed", async () => {
  const clock = new FakeClock();
  const synced = archive();
  const target = new ClaudeTranscript(workspace.path("elsewhere"), "session").user("one");
  const link = new ClaudeTranscript(workspace.claude, "session");
  symlinkSync(target.path, link.path);
  await start(synced.engine, { clock, only: "session" });
  target.user("two");
  const done = synced.reached("session", "two");
  await clock.advance(POLL_MS);
  await done;
});

test("a transcript that cannot be synced is told once, tried again, and blocks no other", async () => {
  const clock = new FakeClock();
  let isBroken = true;
  const { promise: triedAgain, resolve: tryAgain } = Promise.withResolvers<void>();
  let tries = 0;
  const agent = listening((_lines, id) => {
    if (id !== "broken" || !isBroken) return;
    tries += 1;
    if (tries === 3) tryAgain();
    throw new Error("broken off");
  });
  const synced = archive({ agent });
  const root = join(workspace.claude, "projects");
  const errors: unknown[] = [];
  await start(synced.engine, { clock, onFailure: ({ id }) => errors.push(id) });
  const good = synced.reached("good", "hello");
  new ClaudeTranscript(workspace.path("new"), "broken").user("hello");
  new ClaudeTranscript(workspace.path("new"), "good").user("hello");
  renameSync(workspace.path("new", "projects"), root);
  await clock.advance(POLL_MS);
  await good;
  await poll(clock, triedAgain);
  expect(errors).toEqual(["broken"]);
  isBroken = false;
  const mended = synced.reached("broken", "hello");
  await poll(clock, mended);
});

test("an archive that cannot be read is told once and ends no poll", async () => {
  const clock = new FakeClock();
  const synced = archive();
  const errors: unknown[] = [];
  const { promise: told, resolve: tell } = Promise.withResolvers<void>();
  const onFailure = ({ error }: { error: unknown }): void => {
    errors.push(error);
    tell();
  };
  await start(synced.engine, { clock, onFailure, only: "session" });
  renameSync(synced.path, `${synced.path}.away`);
  await poll(clock, told);
  await clock.advance(10 * POLL_MS);
  expect(errors).toHaveLength(1);
  expect(clock.pending).toBe(1);
});

test("stop() ends timers and watchers", async () => {
  const clock = new FakeClock();
  const agent = listening();
  const stopped = archive({ agent });
  const transcript = new ClaudeTranscript(workspace.claude).user("one");
  const live = await start(stopped.engine, { clock });
  expect(clock.pending).toBe(1);
  live.stop();
  expect(clock.pending).toBe(0);

  // Another that goes on shows when a notification would have come.
  const witness = archive();
  await start(witness.engine);
  const done = witness.reached(transcript.id, "two");
  transcript.user("two");
  await done;
  await clock.advance(10 * POLL_MS);
  expect(agent.parsed).toHaveLength(1);
  expect(clock.pending).toBe(0);
});

test("stop() ends also what is still starting or polling", async () => {
  const clock = new FakeClock();
  const synced = archive();
  new ClaudeTranscript(workspace.claude, "session").user("one");
  const live = liveSync(synced.engine, { clock, only: "session" });
  const starting = live.start();
  live.stop();
  await starting;
  expect(clock.pending).toBe(0);

  const polling = await start(synced.engine, { clock, only: "session" });
  const advancing = clock.advance(POLL_MS);
  polling.stop();
  await advancing;
  expect(clock.pending).toBe(0);
});

test("without notifications everything is found by the poll: new sessions, new folders, and appends to old ones", async () => {
  const clock = new FakeClock();
  const synced = archive();
  const old = new ClaudeTranscript(workspace.claude).user("one");
  utimesSync(old.path, 1, 1);
  await start(synced.engine, { clock, watch: null });
  for (const folder of [undefined, "-another"]) {
    const fresh = new ClaudeTranscript(workspace.claude, crypto.randomUUID(), folder).user("hello");
    old.user(`in ${folder}`);
    const both = Promise.all([synced.reached(fresh.id, "hello"), synced.reached(old.id, `in ${folder}`)]);
    await onPoll(clock, both, 2);
  }
});

test("what cannot be watched is polled, told once, and watched when the limit is raised", async () => {
  const clock = new FakeClock();
  const synced = archive();
  const old = new ClaudeTranscript(workspace.claude).user("one");
  utimesSync(old.path, 1, 1);
  let isLimited = true;
  // As inotify's limit shows: the folders that had their turn are watched, the others are not.
  const limited: Watch = (path, { recursive }, listener) => {
    const watcher = systemWatch(path, { recursive: recursive && !isLimited }, listener);
    if (!isLimited) return watcher;
    const errors = new EventEmitter();
    setImmediate(() => errors.emit("error", new Error("OS file watch limit reached")));
    return { on: errors.on.bind(errors) as typeof watcher.on, close: () => watcher.close() };
  };
  const told: unknown[] = [];
  const options = { clock, watch: limited, onUncovered: (...args: unknown[]) => void told.push(args) };
  await start(synced.engine, options);
  await settled();
  for (let n = 0; n < 100; n += 1) {
    old.user(`append ${n}`);
    await onPoll(clock, synced.reached(old.id, `append ${n}`), 2);
  }
  expect(told).toEqual([[join(workspace.claude, "projects"), new Error("OS file watch limit reached")]]);

  isLimited = false;
  await aMinuteOfPolls(clock);
  const notified = synced.reached(old.id, "notified");
  old.user("notified");
  await notified;
});

test("a transcript that is written to without pause is synced all along, and delays no other", async () => {
  const busy = new ClaudeTranscript(workspace.claude, "busy").user("one");
  const other = new ClaudeTranscript(workspace.claude, "other").user("one");
  // The real clock also for the engine: this is about its coalescing.
  const synced = archive({ clock: systemClock });
  await start(synced.engine);
  const line = `${JSON.stringify({ ...busy.userRecord("more"), uuid: null })}\n`;
  await using writer = writingTo(busy.path, line);
  for (let n = 0; n < 5; n += 1) {
    let meanwhile = 0;
    synced.engine.onSynced(({ id }) => void (meanwhile += id === "busy" ? 1 : 0));
    const done = synced.reached("other", `text ${n}`);
    other.user(`text ${n}`);
    await done;
    // It waits for one sync that is under way, not for the writer to pause.
    expect(meanwhile).toBeLessThan(5);
    await new Promise<void>((resolve) => {
      synced.engine.onSynced(({ id }) => void (id === "busy" && resolve()));
    });
  }
  const lines = await writer.end();
  const count = (): unknown =>
    synced.query("SELECT message_count AS n FROM sessions WHERE id = 'busy'")[0]?.["n"];
  await until(
    () => count() === BigInt(lines + 1),
    () => `${lines + 1} messages`,
  );
});

test("a storm of notifications costs few syncs and looks", async () => {
  const transcript = new ClaudeTranscript(workspace.claude).user("one");
  const files = new CountingFiles();
  const synced = archive({ clock: systemClock, files });
  await start(synced.engine);
  files.reset();
  let syncs = 0;
  synced.engine.onSynced(() => void (syncs += 1));
  const spy = spyOn(synced.archive, "syncedTranscripts");
  const folder = dirname(transcript.path);
  const done = synced.reached(transcript.id, "the last");
  for (let n = 0; n < 2000; n += 1) {
    mkdirSync(join(folder, `folder-${n}`));
    appendFileSync(join(folder, "notes.txt"), "no transcript");
    transcript.user(`text ${n}`).write("");
  }
  transcript.user("the last");
  await done;
  expect(syncs).toBeLessThan(20);
  expect(spy.mock.calls.length).toBeLessThan(100);
  expect(files.transcriptStats).toBeLessThan(300);
});

test("a root that does not answer is told once, delays no other, and comes back by itself", async () => {
  const clock = new FakeClock();
  const patience = new FakeClock();
  const files = new HangingFiles();
  const [dead, alive] = [workspace.path("dead"), workspace.path("alive")];
  const agent = { ...claudeCode, roots: () => [join(dead, "projects"), join(alive, "projects")] };
  const synced = archive({ agent, files, clock: deadlinesOf(patience) });
  const [lost, good] = [new ClaudeTranscript(dead).user("one"), new ClaudeTranscript(alive).user("one")];
  const failures: string[] = [];
  await start(synced.engine, { clock, onFailure: ({ error }) => failures.push(String(error)) });

  files.hang(dead);
  for (let n = 0; n < 20; n += 1) {
    await patience.advance(1000);
    const done = synced.reached(good.id, `text ${n}`);
    lost.user(`text ${n}`);
    good.user(`text ${n}`);
    // The feed's looks come on top.
    const tokens = Promise.all([lost.id, lost.id, good.id].map((id) => synced.engine.sourceToken(id)));
    await clock.advance(POLL_MS);
    await done;
    expect(files.hanging).toBe(1);
    if (failures.length > 0) expect(await tokens).toEqual([null, null, expect.any(String)]);
  }
  expect(failures).toEqual([expect.stringContaining(`${dead} does not answer`)]);

  const back = synced.reached(lost.id, "text 19");
  files.release();
  await poll(clock, back);
});

test("it is known how many transcripts are behind, and how often a sync has failed", async () => {
  const patience = new FakeClock();
  const files = new HangingFiles();
  const synced = archive({ files, clock: deadlinesOf(patience) });
  for (const id of ["a", "b", "c"]) new ClaudeTranscript(workspace.claude, id).user("one");
  const { engine } = synced;
  files.hang(workspace.claude, "read");
  const live = liveSync(engine, { onFailure: () => undefined });
  const started = live.start();
  await until(
    () => files.hanging > 0,
    () => "a read",
  );
  expect([live.waiting, engine.figures]).toEqual([2, { backlog: 1, failures: 0 }]);
  // The first is given up on, and nothing else there is waited for meanwhile.
  await patience.advance(READ_MS);
  await started;
  expect([live.waiting, engine.figures]).toEqual([0, { backlog: 0, failures: 3 }]);
  files.release();
});

test("a read that hangs keeps nobody else from the archive", async () => {
  const clock = new FakeClock();
  const files = new HangingFiles();
  const [dead, alive] = [workspace.path("dead"), workspace.path("alive")];
  const agent = { ...claudeCode, roots: () => [join(dead, "projects"), join(alive, "projects")] };
  const synced = archive({ agent, files, clock: deadlinesOf(clock) });
  const [lost, good] = [new ClaudeTranscript(dead).user("one"), new ClaudeTranscript(alive).user("one")];
  await synced.engine.syncAll();
  await clock.advance(1000);
  files.hang(dead, "read");
  lost.user("two");
  const failed = synced.sync(lost.path).catch(String);
  await until(
    () => files.hanging > 0,
    () => "a read that hangs",
  );
  good.user("two");
  expect(await synced.sync(good.path)).toBe(true);
  expect(synced.texts(good.id)).toEqual(["one", "two"]);
  await clock.advance(READ_MS);
  expect(await failed).toContain("does not answer");
  files.release();
  const answers = async (): Promise<boolean> =>
    !String(await synced.sync(lost.path).catch(String)).includes("does not answer");
  await until(answers, () => "an answer");
  expect(synced.texts(lost.id)).toEqual(["one", "two"]);
});

test("a followed transcript that cannot be synced is told once, and tried more and more rarely", async () => {
  const clock = new FakeClock();
  let tries = 0;
  const agent = listening(() => {
    tries += 1;
    throw new Error("broken off");
  });
  const synced = archive({ agent });
  const { id } = new ClaudeTranscript(workspace.claude).user("one");
  const errors: unknown[] = [];
  await start(synced.engine, { clock, only: id, onFailure: ({ error }) => errors.push(error) });
  await aMinuteOfPolls(clock);
  expect(errors).toHaveLength(1);
  expect(tries).toBeGreaterThan(3);
  expect(tries).toBeLessThan(8);
});

test("an old transcript that could not be synced is tried again soon, and an old one that could is left alone", async () => {
  const clock = new FakeClock();
  let isBroken = true;
  const agent = listening((_lines, id) => {
    if (id === "broken" && isBroken) throw new Error("broken off");
  });
  const files = new CountingFiles();
  const synced = archive({ agent, files });
  for (const id of ["broken", "good"])
    utimesSync(new ClaudeTranscript(workspace.claude, id).user("one").path, 1, 1);
  await start(synced.engine, { clock, onFailure: () => undefined });
  isBroken = false;
  const mended = synced.reached("broken", "one");
  await settled();
  files.reset();
  await onPoll(clock, mended, 2);
  expect(files.statPaths.filter((path) => path.includes("good"))).toEqual([]);
});

test("a transcript that cannot be synced is not tried at each of its changes", async () => {
  const clock = new FakeClock();
  let isBroken = true;
  let tries = 0;
  const agent = listening(() => {
    tries += 1;
    if (isBroken) throw new Error("broken off");
  });
  const synced = archive({ agent });
  const transcript = new ClaudeTranscript(workspace.claude).user("one");
  await start(synced.engine, { clock, onFailure: () => undefined });
  const witness = archive();
  await start(witness.engine);
  for (let n = 0; n < 20; n += 1) {
    const notified = witness.reached(transcript.id, `text ${n}`);
    transcript.user(`text ${n}`);
    await notified;
  }
  expect(tries).toBeLessThan(3);
  isBroken = false;
  await onPoll(clock, synced.reached(transcript.id, "text 19"), 2);
});

test("`only` follows the files with which its session goes on, in its folder at once, in others within a minute", async () => {
  const clock = new FakeClock();
  const synced = archive({ agent: codex, folder: "root" });
  const first = new CodexRollout(workspace.claude).begin().user("one");
  const { id } = synced.file(first.path).place;
  await start(synced.engine, { clock, only: id });
  const done = synced.reached(id, "two");
  new CodexRollout(workspace.claude, first.id, "1").user("two");
  await done;

  const later = new CodexRollout(workspace.claude, first.id, "2").user("three");
  const folder = join(workspace.claude, "sessions/2026/01/02");
  mkdirSync(folder);
  renameSync(later.path, join(folder, `rollout-2026-01-02T00-00-00-${first.id}_2.jsonl`));
  await onPoll(clock, synced.reached(id, "three"), 60_000 / POLL_MS + 1);
});

test("`only` searches no folder at its first look, and each of its agent's once at its second", async () => {
  const clock = new FakeClock();
  const files = new CountingFiles();
  const synced = archive({ agent: codex, files });
  const { path } = new CodexRollout(workspace.claude).begin().user("one");
  await synced.sync(path);
  files.reset();
  await start(synced.engine, { clock, only: synced.file(path).place.id });
  expect(files.folders).toEqual([]);
  await onePoll(clock);
  expect(files.folders).toContain(dirname(path));
  expect(new Set(files.folders).size).toBe(files.folders.length);
});

test("`only` finds a newer copy of its session in another folder within a minute", async () => {
  const clock = new FakeClock();
  const synced = archive();
  const transcript = new ClaudeTranscript(workspace.claude).user("one");
  await start(synced.engine, { clock, only: transcript.id });
  new ClaudeTranscript(workspace.claude, transcript.id, "-elsewhere").user("one").user("two");
  await onPoll(clock, synced.reached(transcript.id, "two"), 60_000 / POLL_MS + 1);
});

function archive(options: SyncedOptions = {}): SyncedArchive {
  const synced = new SyncedArchive(workspace.path(`${opened.length}.db`), workspace.claude, {
    clock: hurriedClock,
    ...options,
  });
  opened.push(synced);
  return synced;
}

interface Liveliness extends Partial<LiveOptions> {
  /** @default the system's, with a poll that never comes */
  clock?: Clock;
}

function liveSync(engine: SyncEngine, { clock, ...options }: Liveliness = {}): LiveSync {
  const live = new LiveSync(engine, clock ?? systemClock, {
    pollIntervalMs: clock === undefined ? NEVER_MS : POLL_MS,
    watch: systemWatch,
    onFailure: ({ error }) => {
      throw error;
    },
    onUncovered: (_folder, error) => {
      throw error;
    },
    ...options,
  });
  running.push(live);
  return live;
}

async function start(engine: SyncEngine, options?: Liveliness): Promise<LiveSync> {
  const live = liveSync(engine, options);
  await live.start();
  return live;
}

/** Polls until `done`: what the poll needs to know may come with a notification after it. */
async function poll(clock: FakeClock, done: Promise<void>): Promise<void> {
  const waiting = new Set([done]);
  const end = (): void => void waiting.delete(done);
  void done.then(end, end);
  while (waiting.size > 0) await clock.advance(POLL_MS);
  await done;
}

/** Polls at most `polls` times. */
async function onPoll(clock: FakeClock, done: Promise<unknown>, polls: number): Promise<void> {
  const waiting = new Set([done]);
  const end = (): void => void waiting.delete(done);
  void done.then(end, end);
  for (let n = 0; n < polls && waiting.size > 0; n += 1) await onePoll(clock, () => waiting.size === 0);
  expect(waiting.size).toBe(0);
  await done;
}

/** One poll to its end: only then is there a timer again for the next. */
async function onePoll(clock: FakeClock, isOver: () => boolean = () => false): Promise<void> {
  await until(
    () => clock.pending > 0,
    () => "the next poll",
  );
  await clock.advance(POLL_MS);
  await until(
    () => clock.pending > 0 || isOver(),
    () => "the end of a poll",
  );
}

async function aMinuteOfPolls(clock: FakeClock): Promise<void> {
  for (let ms = 0; ms <= 60_000; ms += POLL_MS) await onePoll(clock);
}

interface Writer extends AsyncDisposable {
  /** @returns how many lines it has written. */
  end(): Promise<number>;
}

/** Another process that keeps the file open and appends to it a thousand times a second. */
function writingTo(path: string, line: string): Writer {
  const script = `
    const { openSync, writeSync } = require("node:fs");
    const file = openSync(process.argv[1], "a");
    let lines = 0;
    process.on("SIGTERM", () => { console.log(lines); process.exit(); });
    const write = () => {
      writeSync(file, process.argv[2]);
      lines += 1;
      setTimeout(write, 1);
    };
    write();`;
  const child = Bun.spawn([process.execPath, "-e", script, path, line], { stdout: "pipe" });
  return {
    async end() {
      child.kill("SIGTERM");
      return Number(await new Response(child.stdout).text());
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
