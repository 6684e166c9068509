import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "bun:test";
import { TEST_LANES } from "./lanes.ts";
import { selectFiles } from "./selection.ts";

const FILES = ["tests/b.test.ts", "tests/a/x.test.ts", "tests/ab/y.test.ts", "tests/a/z.test.ts"];

test("selectFiles() takes the files and folders of a lane, in order", () => {
  expect(selectFiles(FILES, ["tests/b.test.ts", "tests/a"], [])).toEqual([
    "tests/a/x.test.ts",
    "tests/a/z.test.ts",
    "tests/b.test.ts",
  ]);
});

test("selectFiles() picks by any part of the path, within the lane", () => {
  const pick = (...parts: string[]) => selectFiles(FILES, ["tests/a", "tests/ab"], parts);
  expect(pick("./tests/a/")).toEqual(["tests/a/x.test.ts", "tests/a/z.test.ts"]);
  expect(pick("z.test", "y.test")).toEqual(["tests/a/z.test.ts", "tests/ab/y.test.ts"]);
  expect(pick("tests/b")).toEqual([]);
});

test("lanes name only what exists", () => {
  const named = Object.values(TEST_LANES).flatMap(({ paths }) => paths);
  expect(named.filter((path) => !existsSync(join(import.meta.dir, "../..", path)))).toEqual([]);
});
