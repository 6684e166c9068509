/** What syncing costs, counted: bytes read, files opened, stats, folders, rows, queries. */

import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { utimesSync } from "node:fs";
import { claudeCode } from "../../src/agents/claude-code/claude-code.ts";
import { codex } from "../../src/agents/codex/codex.ts";
import { SyncEngine } from "../../src/sync/engine.ts";
import { systemWatch } from "../../src/sync/live/folder-watch.ts";
import { LiveSync } from "../../src/sync/live/live.ts";
import { ClaudeTranscript } from "../support/claude.ts";
import { FakeClock, settled } from "../support/clock.ts";
import { CodexRollout } from "../support/codex.ts";
import { CountingFiles } from "../support/files.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { hurriedClock } from "../support/clock.ts";
import { SyncedArchive } from "../support/synced.ts";
import type { SyncedOptions } from "../support/synced.ts";
import { Workspace } from "../support/workspace.ts";

const MB = 1024 * 1024;
const POLL_MS = 1500;

let workspace: Workspace;
let files: CountingFiles;
let synced: SyncedArchive;
beforeEach(() => {
  workspace = new Workspace();
  files = new CountingFiles();
  synced = archive();
});
afterEach(async () => {
  await synced[Symbol.asyncDispose]();
  workspace[Symbol.dispose]();
});

test("an append costs the same after 300 kB and after 30 MB", async () => {
  const transcript = new ClaudeTranscript(workspace.claude);
  const costs: unknown[] = [];
  for (const bytes of [MB / 3, 30 * MB]) {
    fill(transcript, bytes);
    await synced.sync(transcript.path);
    countRows();
    files.reset();
    const before = sizeOf();
    transcript.user("one more");
    const appended = sizeOf() - before;
    await synced.restart().sync(transcript.path);
    expect(files.bytesRead).toBeLessThan(appended + 4096);
    expect(files.bytesRead).toBeGreaterThanOrEqual(appended);
    const [state] = synced.query("SELECT length(parser_state) AS length FROM sync_state");
    costs.push({
      opens: files.opens.length,
      stats: files.statPaths.length,
      folders: files.folders.length,
      rows: rowsWritten(),
      // The state holds numbers and times, which may have a digit more.
      state: Math.round(Number(state?.["length"]) / 100),
    });
  }
  expect(costs[0]).toMatchObject({ opens: 1, stats: 1, folders: 0 });
  expect(costs[1]).toEqual(costs[0]);

  function sizeOf(): number {
    return Bun.file(transcript.path).size;
  }
});

test("rows are written for what is appended, not for what is there", async () => {
  const transcript = new ClaudeTranscript(workspace.claude);
  fill(transcript, MB);
  await synced.sync(transcript.path);
  countRows();
  for (let n = 0; n < 10; n += 1) transcript.user(`text ${n}`);
  await synced.sync(transcript.path);
  const { messages, ...others } = rowsWritten();
  expect(messages).toBe(10);
  for (const rows of Object.values(others)) expect(rows).toBeLessThanOrEqual(3);
});

test("an unchanged transcript costs one stat", async () => {
  const transcript = new ClaudeTranscript(workspace.claude).user("one");
  await synced.engine.sync(transcript.id);
  for (const look of [
    () => synced.sync(transcript.path),
    () => synced.engine.sourceToken(transcript.id),
    () => synced.engine.find(transcript.id),
  ]) {
    files.reset();
    await look();
    expect([files.statPaths.length, files.opens.length, files.folders.length]).toEqual([1, 0, 0]);
  }
});

test.each(["serve", "follow"])(
  "a followed session costs one stat per poll, the feed's look included (%s)",
  async (mode) => {
    const clock = new FakeClock();
    const surroundings = { env: { CLAUDE_CONFIG_DIR: workspace.claude }, home: workspace.folder };
    const engine = new SyncEngine(synced.archive, [claudeCode], surroundings, {
      clock: {
        now: () => clock.now(),
        date: () => clock.date(),
        after: (ms, run) => hurriedClock.after(ms, run),
      },
      files,
      trustMs: POLL_MS,
    });
    const transcript = new ClaudeTranscript(workspace.claude).user("one");
    utimesSync(transcript.path, clock.now() / 1000, clock.now() / 1000);
    const live = new LiveSync(engine, clock, {
      pollIntervalMs: POLL_MS,
      watch: systemWatch,
      onFailure: ({ error }) => {
        throw error;
      },
      onUncovered: (_folder, error) => {
        throw error;
      },
      ...(mode === "follow" ? { only: transcript.id } : {}),
    });
    try {
      await live.start();
      await clock.advance(POLL_MS / 2);
      await engine.sourceToken(transcript.id);
      const counts: number[] = [];
      let folders = 0;
      for (let poll = 0; poll < 10; poll += 1) {
        files.reset();
        await clock.advance(POLL_MS / 2);
        while (clock.pending === 0 || files.transcriptStats === 0) await settled();
        await settled();
        await clock.advance(POLL_MS / 2);
        const token = await engine.sourceToken(transcript.id);
        expect(token).toBe(
          String((await synced.archive.states([transcript.id])).get(transcript.id)?.sourceToken),
        );
        counts.push(files.transcriptStats);
        // And now and then one of the folder that is watched.
        folders += files.statPaths.length - files.transcriptStats;
      }
      expect(new Set(counts)).toEqual(new Set([1]));
      expect(folders).toBeLessThanOrEqual(1);
      expect(files.opens).toEqual([]);
      expect(files.folders).toEqual([]);
    } finally {
      live.stop();
    }
  },
);

test.each(["serve", "follow"])(
  "an append that is notified costs one stat, one transaction and no other question to the archive (%s)",
  async (mode) => {
    const transcript = new ClaudeTranscript(workspace.claude).user("begin");
    await synced.sync(transcript.path);
    const { engine } = synced.restart();
    const live = new LiveSync(engine, systemClock, {
      // No poll comes in between: what is counted is the notification's work.
      pollIntervalMs: 3_600_000,
      watch: systemWatch,
      onFailure: ({ error }) => {
        throw error;
      },
      onUncovered: (_folder, error) => {
        throw error;
      },
      ...(mode === "follow" ? { only: transcript.id } : {}),
    });
    try {
      await live.start();
      for (const text of ["one", "two"]) {
        await quiet();
        files.reset();
        const asked = [
          spyOn(synced.archive, "source"),
          spyOn(synced.archive, "syncedTranscripts"),
          spyOn(synced.archive, "offLimits"),
          spyOn(synced.archive, "sync"),
        ];
        for (const spy of asked) spy.mockClear();
        const reached = synced.reached(transcript.id, text);
        transcript.user(text);
        await reached;
        await quiet();
        // The transaction reads the source itself: that is the one query.
        expect(asked.map((spy) => spy.mock.calls.length)).toEqual([0, 0, 0, 1]);
        expect(files.transcriptStats).toBe(0);
        expect(files.folders).toEqual([]);
        expect(files.opens).toEqual([transcript.path]);
        // One of the file when it is opened. The other one comes 3 ms later, once, in place of the notification that
        // Bun drops when it follows another one within 2 ms.
        expect(files.handleStats).toBe(2);
      }
    } finally {
      live.stop();
    }

    /** Longer than changes of one session are held back, and than the look after a change. */
    function quiet(): Promise<void> {
      return new Promise((resolve) => void systemClock.after(60, resolve));
    }
  },
);

test("a search reads each folder once, and a warm sync of everything opens nothing and asks the archive once", async () => {
  const transcripts = 120;
  for (let n = 0; n < transcripts; n += 1)
    new ClaudeTranscript(workspace.claude, `session-${n}`, `-folder-${n % 10}`).user("one");
  await synced.engine.syncAll();
  synced.restart();
  files.reset();
  const all = spyOn(synced.archive, "syncedTranscripts");
  const one = spyOn(synced.archive, "source");
  expect(await synced.engine.syncAll()).toMatchObject({ files: 0, failures: [] });
  expect(files.statPaths).toHaveLength(transcripts);
  expect(new Set(files.folders).size).toBe(files.folders.length);
  expect(files.folders).toHaveLength(1 + 10);
  expect(files.opens).toEqual([]);
  expect([all.mock.calls.length, one.mock.calls.length]).toEqual([1, 0]);
});

test("each file of a session in several files costs one stat", async () => {
  await synced[Symbol.asyncDispose]();
  synced = archive({ agent: codex });
  const first = new CodexRollout(workspace.claude).begin().user("one");
  new CodexRollout(workspace.claude, first.id, "1").user("two");
  const last = new CodexRollout(workspace.claude, first.id, "2").user("three");
  await synced.engine.syncAll();
  files.reset();
  await synced.sync(first.path);
  expect([files.statPaths.length, files.opens.length]).toEqual([3, 0]);
  files.reset();
  last.user("four");
  await synced.sync(last.path);
  expect([files.statPaths.length, files.opens]).toEqual([3, [last.path]]);
});

test("a line of 5 MB that is written in pieces is read about twice", async () => {
  const transcript = new ClaudeTranscript(workspace.claude).user("one");
  await synced.sync(transcript.path);
  const line = Buffer.from(`${JSON.stringify(transcript.userRecord("x".repeat(5 * MB)))}\n`);
  const piece = 64 * 1024;
  let pieces = 0;
  files.reset();
  for (let at = 0; at < line.length; at += piece) {
    transcript.write(line.subarray(at, at + piece));
    await synced.sync(transcript.path);
    pieces += 1;
  }
  expect(synced.texts(transcript.id)).toHaveLength(2);
  expect(files.bytesRead).toBeLessThan(2.1 * line.length + pieces * 8192);
});

function archive(options: SyncedOptions = {}): SyncedArchive {
  return new SyncedArchive(workspace.path(crypto.randomUUID(), "sessions.db"), workspace.claude, {
    clock: hurriedClock,
    files,
    ...options,
  });
}

/** Appends answers of 30 kB until the transcript is so large. */
function fill(transcript: ClaudeTranscript, bytes: number): void {
  const text = "x".repeat(30_000);
  for (let written = 0; written < bytes; written += text.length) transcript.assistant(text);
}

/** From now on, by triggers in the archive. */
function countRows(): void {
  synced.change("CREATE TABLE IF NOT EXISTS written (name TEXT)");
  synced.change("DELETE FROM written");
  for (const table of ["messages", "tool_calls", "sessions", "sync_state", "sync_files"])
    for (const event of ["INSERT", "UPDATE", "DELETE"])
      synced.change(
        `CREATE TRIGGER IF NOT EXISTS count_${table}_${event} AFTER ${event} ON ${table}
         BEGIN INSERT INTO written VALUES ('${table}'); END`,
      );
}

function rowsWritten(): Record<string, number> {
  const rows = synced.query("SELECT name, count(*) AS n FROM written GROUP BY name");
  return Object.fromEntries(rows.map(({ name, n }) => [String(name), Number(n)]));
}
