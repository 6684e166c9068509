/** Distinguishes a file from another one at the same path. */

import { statSync } from "node:fs";
import type { BigIntStats } from "node:fs";

/** @returns device and inode of the file at `path`, or an empty string if there is none. */
export function fileIdentity(path: string): string {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? "" : identityOf(stats);
}

/** @returns device and inode. */
export function identityOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`;
}
