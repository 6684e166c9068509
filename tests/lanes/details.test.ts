import { expect, test } from "bun:test";
import { detailsOf } from "./details.ts";
import type { TestResult } from "./junit.ts";

const FAILED: TestResult = {
  file: "a",
  name: "breaks",
  outcome: "failed",
  failure: "TypeError: no\n  at a:1",
};

test("detailsOf() adds the failures that a section lacks", () => {
  const other: TestResult = { ...FAILED, file: "b" };
  expect(detailsOf("a", "(fail) breaks\n", [FAILED, other])).toBe(
    "a:\n(fail) breaks\n(fail) breaks\nTypeError: no\n  at a:1\n",
  );
});

test("detailsOf() repeats nothing that a section has", () => {
  expect(detailsOf("a", "error: no\n(fail) breaks\n", [FAILED])).toBe("a:\nerror: no\n(fail) breaks\n");
});
