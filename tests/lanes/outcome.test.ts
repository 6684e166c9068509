import { expect, test } from "bun:test";
import type { TestResult } from "./junit.ts";
import { closing, outcomeOf } from "./outcome.ts";
import type { Ran } from "./outcome.ts";

const PASSED: TestResult = { file: "a", name: "works", outcome: "passed" };
const FAILED: TestResult = { file: "b", name: "breaks", outcome: "failed" };
const SKIPPED: TestResult = { file: "c", name: "waits (skipped: no curl)", outcome: "skipped" };
const ANONYMOUS: TestResult = { file: "d", name: "hides", outcome: "skipped" };

function end(results: TestResult[], rest: Partial<Ran> = {}): string[] {
  const files = [...new Set(results.map(({ file }) => file))];
  return closing(outcomeOf({ files, results, exitCode: 0, picksNames: false, ...rest })).split("\n");
}

test("closing() of a good run is one line", () => {
  expect(end([PASSED, PASSED])).toEqual(["2 passed, 0 failed"]);
});

test("closing() lists skipped tests with their reasons", () => {
  expect(end([PASSED, SKIPPED])).toEqual([
    "Skipped:",
    "  c: waits: no curl",
    "1 passed, 0 failed, 1 skipped",
  ]);
});

test("closing() names failed files once", () => {
  expect(end([PASSED, FAILED, FAILED], { exitCode: 1 })).toEqual(["Failed:", "  b", "1 passed, 2 failed"]);
});

test("a group's reason is that of its tests", () => {
  const inGroup: TestResult = { ...SKIPPED, name: "curl (skipped: no curl) > prints" };
  expect(end([inGroup, PASSED])).toContain("  c: curl > prints: no curl");
});

test("a skip without a reason is a failure, unless tests are picked by name", () => {
  expect(end([PASSED, ANONYMOUS])).toEqual([
    "Skipped:",
    "  d: hides: no reason is given",
    "Failed:",
    "  d",
    "  d skips a test without a reason: hides",
    "1 passed, 1 failed, 1 skipped",
  ]);
  expect(end([PASSED, ANONYMOUS], { picksNames: true })).toEqual(["1 passed, 0 failed"]);
});

test("a file without a result is a failure", () => {
  expect(end([PASSED], { files: ["a", "crashed"], exitCode: 1 })).toEqual([
    "Failed:",
    "  crashed",
    "  crashed has no result",
    "1 passed, 1 failed",
  ]);
});

test("a run that breaks off has failed, whatever it has counted", () => {
  expect(end([PASSED], { exitCode: 137 }).at(-1)).toBe("1 passed, 1 failed");
});

test("a run without tests has failed", () => {
  expect(end([])).toEqual(["Failed:", "  no test has run", "0 passed, 1 failed"]);
});
