import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { FolderWatch, systemWatch } from "../../../src/sync/live/folder-watch.ts";
import type { FolderWatchOptions } from "../../../src/sync/live/folder-watch.ts";
import { FakeClock } from "../../support/clock.ts";
import { within } from "../../support/program.ts";
import { Workspace } from "../../support/workspace.ts";

const MINUTE_MS = 60_000;

let workspace: Workspace;
let clock: FakeClock;
let folder: string;
let hints: string[];
let errors: unknown[];
let watch: FolderWatch;
beforeEach(() => {
  workspace = new Workspace();
  clock = new FakeClock();
  folder = workspace.path("watched");
  hints = [];
  errors = [];
});
afterEach(() => {
  watch.close();
  workspace[Symbol.dispose]();
});

test("arm() says once that a folder is new, and again when another has taken its place", async () => {
  watch = watchOf();
  expect([await watch.arm(), watch.isThere]).toEqual([false, false]);
  mkdirSync(folder);
  expect([await watch.arm(), watch.isThere]).toEqual([true, true]);
  expect(await watch.arm()).toBe(false);
  const other = workspace.path("other");
  mkdirSync(other);
  rmSync(folder, { recursive: true });
  renameSync(other, folder);
  // Even if that is not notified.
  await clock.advance(15_000);
  expect(await watch.arm()).toBe(true);
  await hinted("file");
});

test("arm() tries a folder that cannot be watched again after a minute, and says that it is new", async () => {
  // It is said to be there before it is: watching it fails as the system has it.
  watch = watchOf({ token: () => Promise.resolve("a token") });
  expect([await watch.arm(), watch.isThere, watch.isCovered]).toEqual([true, true, false]);
  expect(errors).toHaveLength(1);
  await clock.advance(MINUTE_MS - 1);
  expect(await watch.arm()).toBe(false);
  await clock.advance(1);
  expect([await watch.arm(), errors.length]).toEqual([true, 2]);
  mkdirSync(folder);
  await clock.advance(MINUTE_MS);
  expect([await watch.arm(), watch.isCovered]).toEqual([true, true]);
  await hinted("file");
  await clock.advance(2 * MINUTE_MS);
  expect(await watch.arm()).toBe(false);
});

test("arm() watches nothing where nothing is to be watched", async () => {
  mkdirSync(folder);
  watch = watchOf({ watch: null });
  expect([await watch.arm(), watch.isThere, watch.isCovered]).toEqual([true, true, false]);
  await clock.advance(2 * MINUTE_MS);
  expect(await watch.arm()).toBe(false);
});

test("close() ends it, also while it is being armed", async () => {
  mkdirSync(folder);
  watch = watchOf();
  const arming = watch.arm();
  watch.close();
  expect([await arming, watch.isCovered]).toEqual([false, false]);
});

function watchOf(options: Partial<FolderWatchOptions> = {}): FolderWatch {
  return new FolderWatch(folder, clock, {
    recursive: true,
    watch: systemWatch,
    token: () => Promise.resolve(statSync(folder, { throwIfNoEntry: false })?.ino.toString() ?? null),
    onHint: (name) => void hints.push(name),
    onUncovered: (error) => void errors.push(error),
    ...options,
  });
}

async function hinted(name: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  hints.push = (...names) => {
    if (names.includes(name)) resolve();
    return 0;
  };
  writeFileSync(join(folder, name), "");
  await within(promise, () => `a notification of ${name}`);
}
