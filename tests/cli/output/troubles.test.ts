import { beforeEach, expect, test } from "bun:test";
import type { Logger } from "@logtape/logtape";
import { Troubles } from "../../../src/cli/output/troubles.ts";
import { FakeClock } from "../../support/clock.ts";

let clock: FakeClock;
let warnings: string[];
let troubles: Troubles;
beforeEach(() => {
  clock = new FakeClock();
  warnings = [];
  const log = { warning: (text: string) => void warnings.push(text), debug: () => undefined };
  troubles = new Troubles(log as unknown as Logger, clock);
});

test("what goes wrong in a row is said in one line when it is over", async () => {
  for (let index = 0; index < 20; index += 1) {
    fail(index);
    await clock.advance(400);
  }
  expect(warnings).toEqual([]);
  await clock.advance(100);
  expect(warnings).toEqual(["Cannot read 0; and 19 more like it"]);
  await clock.advance(60_000);
  fail(20);
  await clock.advance(500);
  expect(warnings).toEqual([expect.anything(), "Cannot read 20"]);
});

test("what never ceases to go wrong is said every ten seconds", async () => {
  for (let index = 0; index < 100; index += 1) {
    fail(index);
    await clock.advance(300);
  }
  expect(warnings).toEqual(["Cannot read 0; and 33 more like it", "Cannot read 34; and 33 more like it"]);
});

test("a transcript's malformed lines are told once, and apart from what cannot be read", async () => {
  fail(1);
  for (const malformedLines of [0, 2, 1]) troubles.synced({ id: "a", path: "/a", malformedLines, tookMs: 1 });
  await clock.advance(500);
  expect(warnings).toEqual(["Cannot read 1", 'skipped 2 malformed lines in "/a"']);
  troubles.synced({ id: "a", path: "/a", malformedLines: 1, tookMs: 1 });
  troubles.flush();
  expect([warnings.length, clock.pending]).toEqual([2, 0]);
});

function fail(index: number): void {
  troubles.failed({ id: `${index}`, path: `/${index}`, error: new Error(`Cannot read ${index}`) });
}
