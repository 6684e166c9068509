import { expect, test } from "bun:test";
import { streamLimit } from "../../src/app/stream-limit.ts";

test.each([
  [null, 20_000, 20_000],
  [20_200, 20_000, 20_000],
  [20_199, 20_000, 19_999],
  [1024, 20_000, 824],
  [100, 20_000, 1],
  [100, 1, 1],
])("streamLimit(%j open files, %d streams) is %d", (openFiles, wanted, fitting) => {
  const text = `--max-streams: ${wanted} streams exceed this system's limit of ${openFiles} open files; using ${fitting}; raise the limit with ulimit -n`;
  expect(streamLimit(openFiles, wanted)).toEqual({
    maxStreams: fitting,
    warning: fitting === wanted ? null : text,
  });
});

test("streamLimit() lowers the default without a warning", () => {
  expect([1024, null, 1_000_000].map((files) => streamLimit(files, undefined))).toEqual(
    [824, 20_000, 20_000].map((maxStreams) => ({ maxStreams, warning: null })),
  );
});
