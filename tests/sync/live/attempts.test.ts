import { afterEach, beforeEach, expect, test } from "bun:test";
import { Attempts } from "../../../src/sync/live/attempts.ts";
import type { Failure } from "../../../src/sync/sources/source.ts";
import { FakeClock } from "../../support/clock.ts";
import { SyncedArchive } from "../../support/synced.ts";
import { Workspace } from "../../support/workspace.ts";

const FIRST_WAIT_MS = 1500;

let workspace: Workspace;
let synced: SyncedArchive;
let clock: FakeClock;
let told: string[];
let attempts: Attempts;
beforeEach(() => {
  workspace = new Workspace();
  synced = new SyncedArchive(workspace.archive, workspace.claude);
  clock = new FakeClock();
  told = [];
  const onFailure = ({ path }: Failure): void => void told.push(path);
  attempts = new Attempts(clock, { firstWaitMs: FIRST_WAIT_MS, onFailure });
});
afterEach(async () => {
  await synced[Symbol.asyncDispose]();
  workspace[Symbol.dispose]();
});

test("failed() tells what is the same for many once, and again when it had gone", () => {
  for (const id of ["a", "b", "a"]) fail(id, "broken");
  expect(told).toEqual(["a"]);
  fail("c", "otherwise");
  attempts.succeeded("a");
  fail("a", "broken");
  expect(told).toEqual(["a", "c"]);
  for (const id of ["a", "b"]) attempts.succeeded(id);
  fail("b", "broken");
  expect(told).toEqual(["a", "c", "b"]);
});

test("failed() tells when something fails in another way than before", () => {
  fail("a", "broken");
  fail("a", "otherwise");
  expect(told).toEqual(["a", "a"]);
});

test("isDue() waits twice as long after each failure, at most five minutes", async () => {
  for (const waitMs of [1500, 3000, 6000, 12_000, 24_000, 48_000, 96_000, 192_000, 300_000, 300_000]) {
    fail("a", "broken");
    await clock.advance(waitMs - 1);
    expect(attempts.isDue("a")).toBe(false);
    await clock.advance(1);
    expect(attempts.isDue("a")).toBe(true);
  }
  expect([attempts.isFailing("a"), attempts.isDue("b"), attempts.isFailing("b")]).toEqual([
    true,
    true,
    false,
  ]);
});

test("hinted() brings the next try nearer, but no nearer than the first wait", async () => {
  const task = synced.engine.lines.taskOf(synced.file(`${workspace.claude}/projects/-folder/a.jsonl`));
  for (let n = 0; n < 8; n += 1) fail("a", "broken");
  await attempts.hinted(task);
  expect(attempts.isDue("a")).toBe(false);
  await clock.advance(FIRST_WAIT_MS);
  expect(attempts.isDue("a")).toBe(true);
  // There is nothing to sync, and that goes well.
  await attempts.hinted(task);
  expect(attempts.isFailing("a")).toBe(false);
});

function fail(id: string, message: string): void {
  attempts.failed({ id, path: id, error: new Error(message) });
}
