import { readFileSync, renameSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { claudeCode } from "../../../src/agents/claude-code/claude-code.ts";
import { diskFiles } from "../../../src/sync/reading/files.ts";
import { imageOf } from "../../support/archive-image.ts";
import { ClaudeTranscript } from "../../support/claude.ts";
import { hurriedClock } from "../../support/clock.ts";
import { listening } from "../../support/listening.ts";
import { SyncedArchive } from "../../support/synced.ts";
import type { SyncedOptions } from "../../support/synced.ts";
import { Workspace } from "../../support/workspace.ts";

const PLACE = { id: "x", parentId: null, isSubagent: false, part: "", compression: null };

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

test("syncFile() reads only what was appended", async () => {
  const agent = listening();
  const synced = archive({ agent });
  const transcript = new ClaudeTranscript(workspace.claude).user("one").assistant("two");
  expect(await synced.sync(transcript.path)).toBe(true);
  expect(agent.parsed).toHaveLength(2);
  transcript.user("three");
  expect(await synced.restart().sync(transcript.path)).toBe(true);
  expect(agent.parsed).toHaveLength(3);
  expect(synced.texts(transcript.id)).toEqual(["one", "two", "three"]);
});

test("syncFile() gives an empty transcript a session without messages", async () => {
  const synced = archive();
  const transcript = new ClaudeTranscript(workspace.claude).write("");
  expect(await synced.sync(transcript.path)).toBe(true);
  expect(synced.query("SELECT message_count FROM sessions")).toEqual([{ message_count: 0n }]);
});

test("fault 7: lines appended while a full parse runs are parsed once, and a half-written last line is not lost", async () => {
  const transcript = new ClaudeTranscript(workspace.claude).user("one");
  const late = `${JSON.stringify(transcript.userRecord("two"))}\n`;
  const half = `${JSON.stringify(transcript.userRecord("three"))}\n`;
  let rounds = 0;
  const agent = listening(() => {
    rounds += 1;
    if (rounds === 1) transcript.write(late + half.slice(0, 40));
  });
  const synced = archive({ agent });
  await synced.sync(transcript.path);
  expect(agent.parsed).toHaveLength(2);
  expect(synced.texts(transcript.id)).toEqual(["one", "two"]);
  const [state] = synced.query("SELECT offset FROM sync_files");
  expect(Number(state?.["offset"])).toBe(readFileSync(transcript.path).lastIndexOf(0x0a) + 1);

  transcript.write(half.slice(40));
  await synced.sync(transcript.path);
  expect(agent.parsed).toHaveLength(3);
  expect(synced.texts(transcript.id)).toEqual(["one", "two", "three"]);
  await synced.expectLikeFullImport();
});

test("fault 6: the session row is committed with its messages, not before", async () => {
  const transcript = new ClaudeTranscript(workspace.claude).user("one");
  const seen: unknown[] = [];
  let isBroken = true;
  const agent = listening(() => {
    // Another process looks while the sync is under way; then this one breaks off.
    seen.push(synced.query("SELECT * FROM sessions").length, synced.texts(transcript.id).length);
    if (isBroken && agent.parsed.length > 1) throw new Error("broken off");
    if (agent.parsed.length === 1) transcript.assistant("two");
  });
  const synced = archive({ agent });
  const told: unknown[] = [];
  synced.engine.onSynced(({ id }) => told.push([id, synced.texts(id).length]));

  await expect(synced.sync(transcript.path)).rejects.toThrow("broken off");
  expect(seen).toEqual([0, 0, 0, 0]);
  expect(imageOf(synced.path)).toEqual({ sessions: [], messages: [], calls: [], states: [], files: [] });
  expect(told).toEqual([]);

  isBroken = false;
  await synced.sync(transcript.path);
  expect(told).toEqual([[transcript.id, 2]]);
});

test("syncFile() starts over when the transcript was truncated", async () => {
  const synced = archive();
  const transcript = new ClaudeTranscript(workspace.claude).user("one");
  const length = readFileSync(transcript.path).length;
  transcript.assistant("two").user("three");
  await synced.sync(transcript.path);
  truncateSync(transcript.path, length);
  await synced.sync(transcript.path);
  expect(synced.texts(transcript.id)).toEqual(["one"]);
  await synced.expectLikeFullImport();
});

test("syncFile() starts over when another file has taken the transcript's place by rename", async () => {
  const synced = archive();
  const transcript = new ClaudeTranscript(workspace.claude).user("one").assistant("two");
  await synced.sync(transcript.path);
  const other = new ClaudeTranscript(workspace.claude, "other").user("uno").assistant("dos").user("tres");
  renameSync(other.path, transcript.path);
  await synced.sync(transcript.path);
  expect(synced.texts(transcript.id)).toEqual(["uno", "dos", "tres"]);
  await synced.expectLikeFullImport();
});

test("syncFile() starts over when the transcript was rewritten in place, longer or as long as before", async () => {
  const synced = archive();
  const transcript = new ClaudeTranscript(workspace.claude).user("one").user("two");
  await synced.sync(transcript.path);
  const text = readFileSync(transcript.path, "utf8");
  writeFileSync(transcript.path, text.replace("two", "TWO"));
  utimesSync(transcript.path, 1, 1);
  await synced.sync(transcript.path);
  expect(synced.texts(transcript.id)).toEqual(["one", "TWO"]);
  writeFileSync(transcript.path, text.replace("two", "2, longer"));
  transcript.user("three");
  await synced.sync(transcript.path);
  expect(synced.texts(transcript.id)).toEqual(["one", "2, longer", "three"]);
  await synced.expectLikeFullImport();
});

test("syncFile() starts over when a transcript of the same size was changed far before its end", async () => {
  const synced = archive();
  const transcript = new ClaudeTranscript(workspace.claude).user("one").user("x".repeat(5000));
  await synced.sync(transcript.path);
  writeFileSync(transcript.path, readFileSync(transcript.path, "utf8").replace('"one"', '"ONE"'));
  utimesSync(transcript.path, 1, 1);
  await synced.sync(transcript.path);
  expect(synced.texts(transcript.id)[0]).toBe("ONE");
  await synced.expectLikeFullImport();
});

test("syncFile() starts over when the transcript is rewritten while it is read", async () => {
  const transcript = new ClaudeTranscript(workspace.claude).user("one").user("two");
  const shorter = `${JSON.stringify(transcript.userRecord("retracted"))}\n`;
  let rounds = 0;
  const agent = listening(() => {
    rounds += 1;
    if (rounds === 1) writeFileSync(transcript.path, shorter);
  });
  const synced = archive({ agent });
  await synced.sync(transcript.path);
  expect(synced.texts(transcript.id)).toEqual(["retracted"]);
  await synced.expectLikeFullImport();
});

test("syncFile() starts over when the transcript is cut and grows again between two pieces of it", async () => {
  const transcript = new ClaudeTranscript(workspace.claude);
  const lines = (count: number, text: string): string =>
    Array.from(
      { length: count },
      () => `${JSON.stringify(transcript.userRecord(`${text} ${"x".repeat(1000)}`))}\n`,
    ).join("");
  let pieces = 0;
  const agent = listening(() => {
    pieces += 1;
    if (pieces !== 2) return;
    truncateSync(transcript.path, 200_000);
    transcript.write(lines(4000, "new"));
  });
  const synced = archive({ agent });
  transcript.write(lines(3000, "old"));
  await synced.sync(transcript.path);
  await synced.expectLikeFullImport();
});

test("syncFile() goes on where it stopped in a transcript that never stops growing", async () => {
  const transcript = new ClaudeTranscript(workspace.claude).user("one");
  let isGrowing = true;
  const agent = listening(() => {
    if (isGrowing) transcript.user("more");
  });
  const synced = archive({ agent });
  await synced.sync(transcript.path);
  isGrowing = false;
  await synced.sync(transcript.path);
  expect(agent.parsed).toHaveLength(readFileSync(transcript.path, "utf8").split("\n").length - 1);
  await synced.expectLikeFullImport();
});

test("syncFile() starts over when more comes after a record that looked like the whole last line", async () => {
  const synced = archive();
  const transcript = new ClaudeTranscript(workspace.claude).user("one");
  transcript.write(JSON.stringify(transcript.userRecord("two")));
  await synced.sync(transcript.path);
  expect(synced.texts(transcript.id)).toEqual(["one", "two"]);
  // Two writers without a lock: a line may hold a record and a half.
  const half = JSON.stringify(transcript.userRecord("lost")).slice(0, 40);
  transcript.write(half).user("three").user("four");
  await synced.sync(transcript.path);
  expect(synced.texts(transcript.id)).toEqual(["one", "three", "four"]);
  await synced.expectLikeFullImport();
});

test("syncFile() starts over when the parser's state in the archive cannot be read", async () => {
  const synced = archive();
  const transcript = new ClaudeTranscript(workspace.claude).user("one");
  await synced.sync(transcript.path);
  const source = await synced.archive.source(transcript.id);
  if (source === null) throw new Error("it was synced");
  const { facts } = claudeCode.parse([], null, PLACE).state;
  await synced.archive.sync(transcript.id, (transaction) =>
    transaction.save(facts, { ...source, parserState: "{" }),
  );
  transcript.user("two");
  await synced.sync(transcript.path);
  await synced.expectLikeFullImport();
});

test("syncFile() keeps inodes as large as a file system may give them", async () => {
  const synced = archive();
  const { state } = claudeCode.parse([], null, PLACE);
  const inode = 2n ** 64n - 3n;
  const file = { path: "/x.jsonl", token: "t", offset: 0, fingerprint: "", mtimeNs: 1n, inode, device: 2n };
  await synced.archive.sync("x", (transaction) =>
    transaction.save(state.facts, { files: [file], revision: 1, parserState: "{}" }),
  );
  expect((await synced.archive.source("x"))?.files).toEqual([file]);
});

test("created_at stays the same where a transcript tells no time", async () => {
  const synced = archive();
  const transcript = new ClaudeTranscript(workspace.claude).append({ type: "mode" });
  await synced.sync(transcript.path);
  const [before] = synced.query("SELECT created_at FROM sessions");
  transcript.append({ type: "mode" });
  await synced.sync(transcript.path);
  expect(synced.query("SELECT created_at FROM sessions")).toEqual(before === undefined ? [] : [before]);
});

test("a sync that waits for its turn while its transcript is replaced does not bring the old one back", async () => {
  const transcript = new ClaudeTranscript(workspace.claude).user("old");
  await using slow = engineThatTells();
  await using fast = engineThatTells();
  const holding = Promise.withResolvers<void>();
  const turn = fast.archive.sync("another session", () => holding.promise);

  const slowSync = slow.sync(transcript.path);
  await slow.hasOpened;
  writeFileSync(workspace.path("scratch"), `${JSON.stringify(transcript.userRecord("new"))}\n`);
  renameSync(workspace.path("scratch"), transcript.path);
  const fastSync = fast.sync(transcript.path);
  await fast.hasOpened;
  await nextTurn();
  holding.resolve();

  await Promise.all([turn, fastSync]);
  expect(fast.texts(transcript.id)).toEqual(["new"]);
  await slowSync;
  expect(fast.texts(transcript.id)).toEqual(["new"]);
});

function archive(options: SyncedOptions = {}): SyncedArchive {
  const path = workspace.path(`${opened.length}`, "sessions.db");
  const synced = new SyncedArchive(path, workspace.claude, { clock: hurriedClock, ...options });
  opened.push(synced);
  return synced;
}

/** Another process, as far as the archive can tell. */
function engineThatTells(): SyncedArchive & { hasOpened: Promise<void> } {
  const { promise: hasOpened, resolve } = Promise.withResolvers<void>();
  const files = {
    ...diskFiles,
    open: async (path: string) => {
      const file = await diskFiles.open(path);
      resolve();
      return file;
    },
  };
  return Object.assign(new SyncedArchive(workspace.archive, workspace.claude, { files }), { hasOpened });
}
