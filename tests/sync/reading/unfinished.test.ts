import { appendFileSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { UnfinishedLines } from "../../../src/sync/reading/unfinished.ts";
import { Workspace } from "../../support/workspace.ts";

/** A complete line and the beginning of another. */
const COMPLETE = '{"a":1}\n';
const BEGUN = '{"b":';

let workspace: Workspace;
let path: string;
let lines: UnfinishedLines;
beforeEach(async () => {
  workspace = new Workspace();
  path = workspace.path("session.jsonl");
  lines = new UnfinishedLines();
  writeFileSync(path, COMPLETE + BEGUN);
  await note(COMPLETE.length);
});
afterEach(() => workspace[Symbol.dispose]());

test("isStillUnfinished() until there is a newline, or what may be the end of a record", async () => {
  expect(await isStillUnfinished()).toBe(true);
  for (const [more, isUnfinished] of [
    ['"two', true],
    ['"', true],
    ["}", false],
    [", ", true],
    ["\n", false],
  ] as const) {
    appendFileSync(path, more);
    expect([more, await isStillUnfinished()]).toEqual([more, isUnfinished]);
  }
});

test("isStillUnfinished() is false for a file that was rewritten or cut, and for another place in it", async () => {
  expect(await isStillUnfinished(0)).toBe(false);
  for (const content of [`${COMPLETE}{"c": 1`, COMPLETE]) {
    writeFileSync(path, content);
    expect(await isStillUnfinished()).toBe(false);
  }
});

test("note() forgets a line that was finished", async () => {
  await note(COMPLETE.length + BEGUN.length);
  expect(await isStillUnfinished()).toBe(false);
});

async function note(offset: number): Promise<void> {
  await using file = await open(path);
  await lines.note(path, file, offset, COMPLETE.length + BEGUN.length);
}

async function isStillUnfinished(from = COMPLETE.length): Promise<boolean> {
  await using file = await open(path);
  return await lines.isStillUnfinished(path, file, from, Bun.file(path).size);
}
