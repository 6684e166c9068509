/** What two lines of one message have in common, as a column that is indexed can hold it. */

import { createHash } from "node:crypto";
import { isStorable } from "../storable.ts";

/** UTF-16 units; an index takes some 2700 bytes at most. */
const KEY_MAX = 200;
const HASHED = "sha256:";

/** @returns the key itself if it is short and can be stored, else a hash that stands for it and for no other key. */
export function mergeKey(key: string): string {
  const isPlain = key.length <= KEY_MAX && !key.startsWith(HASHED) && isStorable(key);
  if (isPlain) return key;
  // Not as UTF-8, in which halves of surrogate pairs are all the same.
  return HASHED + createHash("sha256").update(Buffer.from(key, "utf16le")).digest("base64url");
}
