import { renameSync, writeFileSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { diskFiles } from "../../src/sync/files.ts";
import { ClaudeTranscript } from "../support/claude.ts";
import { SyncedArchive } from "../support/synced.ts";
import { Workspace } from "../support/workspace.ts";

let workspace: Workspace;

beforeEach(() => {
  workspace = new Workspace();
});
afterEach(() => workspace[Symbol.dispose]());

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
