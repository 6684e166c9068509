import { expect, test } from "bun:test";
import { WatchError } from "../../../src/errors.ts";
import { RewrittenError } from "../../../src/sync/reading/chunks.ts";
import { diskFiles } from "../../../src/sync/reading/files.ts";
import { unreadable, VanishedError } from "../../../src/sync/reading/unreadable.ts";

test("unreadable() tells a file that has vanished from one that cannot be read", async () => {
  const [gone, beneathFile] = await Promise.all(
    ["/nowhere/a.jsonl", `${import.meta.path}/a.jsonl`].map((path) => diskFiles.open(path).catch(identity)),
  );
  expect(unreadable("/a", gone)).toBeInstanceOf(VanishedError);
  const error = unreadable("/a", beneathFile);
  expect(error).toBeInstanceOf(WatchError);
  expect(error).toMatchObject({ code: "transcript_unreadable", cause: beneathFile });
  expect(error.message).toStartWith('Cannot read transcript "/a": ENOTDIR');
});

test("unreadable() leaves what says more than it as it is", () => {
  for (const error of [
    new WatchError("transcript_unreadable", "the disk does not answer"),
    new VanishedError("gone"),
    new RewrittenError("cut"),
  ])
    expect(unreadable("/a", error)).toBe(error);
});

function identity<T>(value: T): T {
  return value;
}
