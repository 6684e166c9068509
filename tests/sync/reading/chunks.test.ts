import { truncateSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chunksOf, fingerprintAt, RewrittenError } from "../../../src/sync/reading/chunks.ts";
import { Workspace } from "../../support/workspace.ts";

/** Several times what is read at once. */
const SIZE = 2 ** 21;

let workspace: Workspace;
beforeAll(() => {
  workspace = new Workspace();
});
afterAll(() => workspace[Symbol.dispose]());

test("chunksOf() gives every byte between its limits once, however many pieces it takes", async () => {
  const path = workspace.path("whole.jsonl");
  const content = Buffer.from(Array.from({ length: SIZE }, (_, at) => at % 251));
  writeFileSync(path, content);
  await using file = await open(path);
  for (const [from, to] of [
    [0, SIZE],
    [1000, SIZE - 1000],
    [SIZE - 1, Infinity],
    [SIZE, Infinity],
  ] as const) {
    const pieces: Uint8Array[] = [];
    for await (const chunk of chunksOf(file, from, to)) pieces.push(chunk.slice());
    expect(Buffer.concat(pieces).equals(content.subarray(from, Math.min(to, SIZE)))).toBe(true);
  }
});

test("chunksOf() throws a RewrittenError when the file is cut and grows again between two pieces", async () => {
  const path = workspace.path("cut.jsonl");
  writeFileSync(path, "x".repeat(SIZE));
  await using file = await open(path);
  const chunks = chunksOf(file, 0, SIZE);
  await chunks.next();
  truncateSync(path, 10);
  writeFileSync(path, "y".repeat(SIZE));
  await expect(chunks.next()).rejects.toThrow(RewrittenError);
});

test("fingerprintAt() changes with the last 1,024 bytes before the offset", async () => {
  const path = workspace.path("fingerprint.jsonl");
  const print = async (text: string, offset: number): Promise<string> => {
    writeFileSync(path, text);
    await using file = await open(path);
    return await fingerprintAt(file, offset);
  };
  const text = "x".repeat(3000);
  expect(await print(text, 2000)).toBe(await print(`y${text.slice(1)}`, 2000));
  expect(await print(text, 2000)).toBe(await print(`${text}y`, 2000));
  expect(await print(text, 2000)).not.toBe(await print(`${text.slice(0, 1999)}y`, 2000));
  expect(await print(text, 2000)).not.toBe(await print(text.slice(0, 1500), 2000));
  expect(await print(text, 10)).not.toBe(await print(`y${text}`, 10));
});
