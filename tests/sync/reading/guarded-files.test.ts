import { afterEach, beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { diskFiles } from "../../../src/sync/reading/files.ts";
import { OPERATION_MS, GuardedFiles } from "../../../src/sync/reading/guarded-files.ts";
import { FakeClock, settled } from "../../support/clock.ts";
import { HangingFiles } from "../../support/files.ts";
import { until } from "../../support/program.ts";
import { Workspace } from "../../support/workspace.ts";

let workspace: Workspace;
let clock: FakeClock;
let disk: HangingFiles;
let files: GuardedFiles;
let path: string;
beforeEach(() => {
  workspace = new Workspace();
  clock = new FakeClock();
  disk = new HangingFiles();
  files = new GuardedFiles(disk, clock, "/the/place");
  path = workspace.path("file");
  writeFileSync(path, "0123456789");
});
afterEach(() => workspace[Symbol.dispose]());

test("a place that begins to hang has one operation under way, whoever asks for whatever", async () => {
  await files.stats([path]);
  await clock.advance(1000);
  disk.hang(workspace.folder);
  const asked = Promise.allSettled([
    ...Array.from({ length: 50 }, () => files.stats([path])),
    files.folder(workspace.folder),
    files.open(path),
  ]);
  await settled();
  expect(disk.hanging).toBe(1);
  await clock.advance(OPERATION_MS);
  const answers = await asked;
  expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set(["rejected"]));
  expect(String((answers[0] as PromiseRejectedResult).reason)).toContain("/the/place does not answer");
  expect(disk.hanging).toBe(1);
});

test("a place that hangs is not asked again until it has answered; then it is as before", async () => {
  disk.hang(workspace.folder);
  const first = files.stats([path]).catch(String);
  await clock.advance(OPERATION_MS);
  expect(await first).toContain("does not answer");
  const begun = disk.begun;
  for (let n = 0; n < 20; n += 1) await expect(files.stats([path])).rejects.toThrow("does not answer");
  expect(disk.begun).toBe(begun);
  disk.release();
  const size = async (): Promise<unknown> => (await files.stats([path]).catch(() => []))[0]?.size;
  await until(
    async () => (await size()) !== undefined,
    () => "an answer",
  );
  expect(await size()).toBe(10n);
});

test("where there was an answer just now, operations run side by side", async () => {
  await files.stats([path]);
  disk.hang(path);
  const asked = Promise.all([files.stats([path]), files.stats([path]), files.stats([path])]);
  await settled();
  expect(disk.hanging).toBe(3);
  disk.release();
  await asked;
});

test("those who wait for the first answer go on with it, also when it was an error", async () => {
  const asked = await Promise.allSettled([
    files.open(`${path}-gone`),
    files.stats([path]),
    files.stats([path]),
  ]);
  expect(asked.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
});

test("a file that was opened too late is closed", async () => {
  disk.hang(path, "open");
  const opened = files.open(path).catch(String);
  await clock.advance(OPERATION_MS);
  expect(await opened).toContain("does not answer");
  disk.release();
  await until(
    () => disk.closed > 0,
    () => "the file to be closed",
  );
});

test("a file whose read hangs is closed once that has come back, and nobody waits for it", async () => {
  const file = await files.open(path);
  disk.hang(path, "read");
  const read = file.read(new Uint8Array(4), 0, 4, 0).catch(String);
  await clock.advance(OPERATION_MS);
  expect(await read).toContain("does not answer");
  await file.close();
  expect(disk.closed).toBe(0);
  disk.release();
  await until(
    () => disk.closed > 0,
    () => "the file to be closed",
  );
});

test("many stats that take long together are not taken for one that hangs", async () => {
  const slow = {
    ...diskFiles,
    async stats(paths: readonly string[]) {
      await clock.advance(paths.length * 20);
      return await diskFiles.stats(paths);
    },
  };
  const paths = Array.from({ length: 2000 }, () => path);
  expect(await new GuardedFiles(slow, clock, "/slow").stats(paths)).toHaveLength(2000);
});
