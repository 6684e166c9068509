/** Decompresses a zstd stream as it is read. */

import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createZstdDecompress, zstdCompressSync } from "node:zlib";

/** Runtimes do not report a truncated stream. This marker, appended to it, shows whether it was complete. */
const END = new TextEncoder().encode("\0the end of the stream\0");

/** @throws when the bytes are no zstd stream, or not all of one. */
export async function* unzstd(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const decompressor = createZstdDecompress();
  const feeding = pipeline(Readable.from(withEnd(chunks)), decompressor);
  // It fails with what the loop over the decompressor throws.
  feeding.catch(() => decompressor.destroy());
  let held = new Uint8Array(0);
  for await (const chunk of decompressor) {
    const bytes = Buffer.concat([held, chunk as Uint8Array]);
    const end = Math.max(bytes.length - END.length, 0);
    if (end > 0) yield bytes.subarray(0, end);
    held = bytes.subarray(end);
  }
  await feeding;
  if (Buffer.compare(held, END) !== 0) throw new Error("it breaks off in the middle");
}

/** A stream holds on to what it was given, while a chunk is overwritten by the next one. */
async function* withEnd(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of chunks) yield chunk.slice();
  yield zstdCompressSync(END);
}
