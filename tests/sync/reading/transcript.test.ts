import { expect, test } from "bun:test";
import type { BigIntStats } from "node:fs";
import fc from "fast-check";
import { claudeCode } from "../../../src/agents/claude-code/claude-code.ts";
import { diskFiles } from "../../../src/sync/reading/files.ts";
import { lastWriteMs, newestFirst, transcriptOf } from "../../../src/sync/reading/transcript.ts";
import type { FileOnDisk } from "../../../src/sync/reading/transcript.ts";

const ROOT = { agent: claudeCode, path: "/root", files: diskFiles };

test("transcriptOf() is null for a session of which no file was found", () => {
  expect(transcriptOf("x", [])).toBeNull();
});

test("transcriptOf() takes a plain file before a compressed one, then the newer one, then the first by path", () => {
  const ranked = [
    file({ path: "/b", mtimeMs: 2 }),
    file({ path: "/a", mtimeMs: 1 }),
    file({ path: "/c", mtimeMs: 1 }),
    file({ path: "/a.zst", mtimeMs: 4, isCompressed: true }),
    file({ path: "/b.zst", mtimeMs: 3, isCompressed: true }),
  ];
  for (const [index, better] of ranked.entries()) {
    for (const worse of ranked.slice(index + 1)) {
      expect(transcriptOf("x", [better, worse])?.files).toEqual([better]);
      expect(transcriptOf("x", [worse, better])?.files).toEqual([better]);
    }
  }
});

test("transcriptOf() has each part once and in reading order, in whatever order the files were found", () => {
  const found = fc.record({
    path: fc.constantFrom("/a", "/b", "/c"),
    part: fc.constantFrom("", "1", "2", "10"),
    mtimeMs: fc.nat(2),
    isCompressed: fc.boolean(),
  });
  const differing = fc.uniqueArray(found, { selector: (options) => JSON.stringify(options) });
  const shuffled = differing.chain((options) =>
    fc.tuple(fc.constant(options), fc.shuffledSubarray(options, { minLength: options.length })),
  );
  fc.assert(
    fc.property(shuffled, ([options, others]) => {
      const transcript = transcriptOf("x", options.map(file));
      const parts = transcript?.files.map(({ place }) => place.part) ?? [];
      expect(parts).toEqual([...new Set(options.map(({ part }) => part))].sort());
      expect(transcriptOf("x", others.map(file))).toEqual(transcript);
    }),
  );
});

test("lastWriteMs() and newestFirst() go by the file that was written last, whichever part it is", () => {
  const [older, newer] = [
    [file({ part: "", mtimeMs: 2 }), file({ part: "1", mtimeMs: 1 })],
    [file({ part: "", mtimeMs: 0 }), file({ part: "1", mtimeMs: 3 })],
  ].map((files) => transcriptOf("x", files));
  if (older == null || newer == null) throw new Error("both have files");
  expect([older, newer].map(lastWriteMs)).toEqual([2, 3]);
  expect([older, newer].sort(newestFirst)).toEqual([newer, older]);
});

interface FileOptions {
  path?: string;
  part?: string;
  mtimeMs?: number;
  isCompressed?: boolean;
}

function file({ path = "/a", part = "", mtimeMs = 0, isCompressed = false }: FileOptions): FileOnDisk {
  const compression = isCompressed ? "zstd" : null;
  return {
    root: ROOT,
    place: { id: "x", parentId: null, isSubagent: false, part, compression },
    path,
    stats: { mtimeNs: BigInt(mtimeMs) * 1_000_000n } as BigIntStats,
    token: path,
  };
}
