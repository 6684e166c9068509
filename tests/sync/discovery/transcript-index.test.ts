import { mkdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { claudeCode } from "../../../src/agents/claude-code/claude-code.ts";
import { codex } from "../../../src/agents/codex/codex.ts";
import { TranscriptIndex } from "../../../src/sync/discovery/transcript-index.ts";
import { OPERATION_MS } from "../../../src/sync/reading/guarded-files.ts";
import { ClaudeTranscript } from "../../support/claude.ts";
import { FakeClock, settled } from "../../support/clock.ts";
import { CodexRollout } from "../../support/codex.ts";
import { CountingFiles, HangingFiles } from "../../support/files.ts";
import { until } from "../../support/program.ts";
import { Workspace } from "../../support/workspace.ts";

let workspace: Workspace;
let clock: FakeClock;
beforeEach(() => {
  workspace = new Workspace();
  clock = new FakeClock();
});
afterEach(() => workspace[Symbol.dispose]());

test("in() finds what is in some folders; what is no folder, or elsewhere, holds nothing", async () => {
  const root = join(workspace.claude, "projects");
  const catalog = new TranscriptIndex([{ agent: claudeCode, path: root }], new CountingFiles(), clock);
  const [a, b] = ["-a", "-b"].map((folder) =>
    new ClaudeTranscript(workspace.claude, folder, folder).user("one"),
  );
  new ClaudeTranscript(workspace.claude, "-c", "-c").user("one");
  if (a === undefined || b === undefined) throw new Error("there are two");
  const { transcripts: found } = await catalog.in([
    dirname(a.path),
    b.path,
    join(root, "-nowhere"),
    workspace.folder,
  ]);
  expect(found.map(({ id }) => id)).toEqual(["-a"]);
  expect(catalog.known("-a").map(({ path }) => path)).toEqual([a.path]);
  expect(catalog.known("-b")).toEqual([]);
});

test("folderToken() tells a folder from the one that was made in its place, which may have its inode", async () => {
  const root = workspace.path("projects");
  const catalog = new TranscriptIndex([{ agent: claudeCode, path: root }], new CountingFiles(), clock);
  expect(await catalog.folderToken(root)).toBeNull();
  mkdirSync(root);
  const token = await catalog.folderToken(root);
  expect(await catalog.folderToken(root)).toBe(token);
  const born = (): bigint => statSync(root, { bigint: true }).birthtimeNs;
  const before = born();
  // A file system's clock takes its time.
  await until(
    () => {
      rmSync(root, { recursive: true });
      mkdirSync(root);
      return born() !== before;
    },
    () => "the next tick of the file system's clock",
  );
  const another = await catalog.folderToken(root);
  expect(another).not.toBe(token);
  new ClaudeTranscript(workspace.folder, "session").user("one");
  expect(await catalog.folderToken(root)).toBe(another);
});

test("searchParts() learns all files of one session in its agent's folders, and looks at none", async () => {
  const files = new CountingFiles();
  const folders = [
    { agent: codex, path: join(workspace.claude, "sessions") },
    { agent: claudeCode, path: join(workspace.claude, "projects") },
  ];
  const catalog = new TranscriptIndex(folders, files, clock);
  const first = new CodexRollout(workspace.claude).begin();
  const next = new CodexRollout(workspace.claude, first.id, "1").user("two");
  new CodexRollout(workspace.claude).begin();
  new ClaudeTranscript(workspace.claude).user("one");
  const id = catalog.at(first.path)?.place.id ?? "";
  await catalog.searchParts(id, codex);
  expect(
    catalog
      .known(id)
      .map(({ path }) => path)
      .sort(),
  ).toEqual([first.path, next.path].sort());
  expect(files.statPaths).toEqual([]);
  expect(files.folders.filter((path) => path.includes("projects"))).toEqual([]);
});

test("roots beside each other have one way to them: if they hang, that takes one operation", async () => {
  const files = new HangingFiles();
  const paths = ["sessions", "archived_sessions"].map((name) => join(workspace.claude, name));
  const catalog = new TranscriptIndex(
    paths.map((path) => ({ agent: codex, path })),
    files,
    clock,
  );
  files.hang(workspace.claude);
  const tokens = Promise.allSettled(paths.map((path) => catalog.folderToken(path)));
  await clock.advance(OPERATION_MS);
  expect((await tokens).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(files.begun).toBe(1);
  files.release();
});

test("find() searches again after a search that failed", async () => {
  const files = new HangingFiles();
  const [dead, alive] = [workspace.path("dead"), workspace.path("alive")];
  const folders = [dead, alive].map((home) => ({ agent: claudeCode, path: join(home, "projects") }));
  const catalog = new TranscriptIndex(folders, files, clock);
  // A session in both, so that what was found in one has to be looked at in the other, too.
  for (const home of [dead, alive]) new ClaudeTranscript(home, "both").user("one");
  await catalog.all();
  files.hang(dead);
  await clock.advance(1000);
  const failed = catalog.find("late").catch(String);
  // The other root has then been read to its end.
  while (files.hanging === 0 || files.running > files.hanging) await settled();
  await clock.advance(OPERATION_MS);
  expect(await failed).toBeNull();
  files.release();
  while (files.running > 0) await settled();
  new ClaudeTranscript(alive, "late").user("one");
  await clock.advance(OPERATION_MS);
  expect((await catalog.find("late"))?.id).toBe("late");
});
