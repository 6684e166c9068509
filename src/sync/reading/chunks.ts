/** Reads a file that others write to, in pieces of bounded size, and notices when it is rewritten. */

import { createHash } from "node:crypto";
import type { ReadableFile } from "./files.ts";

/** Bytes per read; what is in memory at once is this and one line. */
const CHUNK_BYTES = 256 * 1024;
/** How many bytes before an offset must be unchanged for a reader to go on from there. */
const FINGERPRINT_BYTES = 1024;

/** The file is not the one any more of which a part was read. */
export class RewrittenError extends Error {
  override readonly name = "RewrittenError";
}

/**
 * @param to where to stop (bytes), so that a file that never stops growing is read in finite time.
 * @returns pieces of the file; each is overwritten by the next one.
 * @throws RewrittenError when what was read before a piece is not there any more.
 */
export async function* chunksOf(
  file: ReadableFile,
  from: number,
  to: number,
): AsyncGenerator<Uint8Array, void, void> {
  const buffer = new Uint8Array(Math.min(CHUNK_BYTES, to - from) + FINGERPRINT_BYTES);
  // Read once more with each piece: a file that was cut and has grown again in between would be half of either.
  let before = new Uint8Array(0);
  for (let position = from; position < to;) {
    const start = position - before.length;
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, to - start), start);
    if (Buffer.compare(buffer.subarray(0, Math.min(before.length, bytesRead)), before) !== 0)
      throw new RewrittenError("it was rewritten while it was read");
    if (bytesRead === before.length) return;
    position = start + bytesRead;
    yield buffer.subarray(before.length, bytesRead);
    before = buffer.slice(Math.max(bytesRead - FINGERPRINT_BYTES, 0), bytesRead);
  }
}

/** @returns what a reader that goes on at `offset` asks for first; positions and lengths in bytes. */
export function firstRead(offset: number, size: number): { position: number; length: number } {
  const position = Math.max(offset - FINGERPRINT_BYTES, 0);
  return { position, length: Math.max(Math.min(size - position, CHUNK_BYTES + FINGERPRINT_BYTES), 0) };
}

/** @returns a digest of the bytes just before `offset`; a rewritten file has another one. */
export async function fingerprintAt(file: ReadableFile, offset: number): Promise<string> {
  const length = Math.min(offset, FINGERPRINT_BYTES);
  const bytes = new Uint8Array(length);
  const { bytesRead } = await file.read(bytes, 0, length, offset - length);
  return createHash("sha256").update(bytes.subarray(0, bytesRead)).digest("base64url").slice(0, 22);
}
