import { mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { systemClock } from "../../src/runtime/clock.ts";
import type { SyncEngine } from "../../src/sync/engine.ts";
import { LiveSync } from "../../src/sync/live.ts";
import type { LiveOptions } from "../../src/sync/live.ts";
import type { Clock } from "../../src/watch/ports.ts";
import { ClaudeTranscript } from "../support/claude.ts";
import { FakeClock } from "../support/clock.ts";
import { hurriedClock, listening, SyncedArchive } from "../support/synced.ts";
import type { SyncedOptions } from "../support/synced.ts";
import { Workspace } from "../support/workspace.ts";

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
  await start(synced.engine, { clock });
  for (const polls of [0, 3]) {
    // The new folder may well get the old one's inode.
    rmSync(root, { recursive: true });
    for (let n = 0; n < polls; n += 1) await clock.advance(POLL_MS);
    const found = synced.reached(`found-${polls}`, "hello");
    new ClaudeTranscript(workspace.claude, `found-${polls}`).user("hello");
    await poll(clock, found);
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
    pollOnly: false,
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
