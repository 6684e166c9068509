import { expect, test } from "bun:test";
import { maxStreamsWithin } from "../../src/app/stream-limit.ts";

test.each([
  [null, 20_000, 20_000],
  [20_200, 20_000, 20_000],
  [20_199, 20_000, 19_999],
  [1024, 20_000, 824],
  [100, 20_000, 1],
  [100, 1, 1],
])("maxStreamsWithin(%j open files, %d streams) is %d", (openFiles, wanted, fitting) => {
  const warnings: string[] = [];
  expect(maxStreamsWithin(openFiles, wanted, (message) => warnings.push(message))).toBe(fitting);
  expect(warnings).toEqual(
    fitting === wanted
      ? []
      : [
          `--max-streams: ${wanted} do not fit into this system's limit of ${openFiles} open files: there will be ${fitting}; raise it with ulimit -n`,
        ],
  );
});

test("maxStreamsWithin() takes what fits without a word where nobody wants a number", () => {
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  expect([1024, null, 1_000_000].map((files) => maxStreamsWithin(files, undefined, warn))).toEqual([
    824, 20_000, 20_000,
  ]);
  expect(warnings).toEqual([]);
});
