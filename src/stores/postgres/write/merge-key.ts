/** The key that the lines of one message share, in a form that an indexed column can hold. */

import { createHash } from "node:crypto";
import { isStorable } from "../sql/storable-text.ts";

/** In UTF-16 units; an index entry has at most some 2700 bytes. */
const KEY_MAX = 200;
const HASHED = "sha256:";

/** @returns the key itself if it is short and storable, else a hash that no other key has. */
export function mergeKey(key: string): string {
  const isPlain = key.length <= KEY_MAX && !key.startsWith(HASHED) && isStorable(key);
  if (isPlain) return key;
  // UTF-8 would make all halves of surrogate pairs the same.
  return HASHED + createHash("sha256").update(Buffer.from(key, "utf16le")).digest("base64url");
}
