import { zstdCompressSync } from "node:zlib";
import { expect, test } from "bun:test";
import { unzstd } from "../../../src/sync/reading/zstd.ts";

const TEXT = "a line of a rollout\n".repeat(10_000);
const WHOLE = zstdCompressSync(TEXT);

test("unzstd() gives what was compressed, however it is handed on, in one frame or in several", async () => {
  for (const size of [1, 7, 100_000]) expect(await read(WHOLE, size)).toBe(TEXT);
  expect(await read(Buffer.concat([WHOLE, WHOLE]), 64)).toBe(TEXT + TEXT);
  expect(await read(new Uint8Array(0), 64)).toBe("");
});

test("unzstd() does not take a stream that breaks off for one that ends", async () => {
  for (let length = 1; length < WHOLE.length; length += 1)
    await expect(read(WHOLE.subarray(0, length), 64)).rejects.toThrow();
});

async function read(bytes: Uint8Array, size: number): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of unzstd(pieces(bytes, size))) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString();
}

/** Each is overwritten by the next one. */
async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const piece = new Uint8Array(size);
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    piece.set(part);
    yield piece.subarray(0, part.length);
  }
}
