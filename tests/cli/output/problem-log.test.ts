import { beforeEach, expect, test } from "bun:test";
import type { Logger } from "@logtape/logtape";
import { ProblemLog } from "../../../src/cli/output/problem-log.ts";
import { FakeClock } from "../../support/clock.ts";

let clock: FakeClock;
let warnings: string[];
let problems: ProblemLog;
beforeEach(() => {
  clock = new FakeClock();
  warnings = [];
  const log = { warning: (text: string) => void warnings.push(text), debug: () => undefined };
  problems = new ProblemLog(log as unknown as Logger, clock);
});

test("ProblemLog logs a burst of failures as one line when it is over", async () => {
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

test("ProblemLog logs endless failures every ten seconds", async () => {
  for (let index = 0; index < 100; index += 1) {
    fail(index);
    await clock.advance(300);
  }
  expect(warnings).toEqual(["Cannot read 0; and 33 more like it", "Cannot read 34; and 33 more like it"]);
});

test("ProblemLog logs a transcript's malformed lines once, and apart from failures", async () => {
  fail(1);
  for (const malformedLines of [0, 2, 1]) problems.synced({ id: "a", path: "/a", malformedLines, tookMs: 1 });
  await clock.advance(500);
  expect(warnings).toEqual(["Cannot read 1", 'skipped 2 malformed lines in "/a"']);
  problems.synced({ id: "a", path: "/a", malformedLines: 1, tookMs: 1 });
  problems.flush();
  expect([warnings.length, clock.pending]).toEqual([2, 0]);
});

function fail(index: number): void {
  problems.failed({ id: `${index}`, path: `/${index}`, error: new Error(`Cannot read ${index}`) });
}
