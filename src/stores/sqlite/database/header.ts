/** Reads the first 100 bytes of a database file (https://www.sqlite.org/fileformat.html, section 1.3). */

import { closeSync, openSync, readSync, statSync } from "node:fs";
import { codeOf, reasonOf } from "../../../async/failure-words.ts";
import { WatchError } from "../../../errors.ts";
import { archiveFailure } from "../../shared/archive-failure.ts";

/** What has to be known of a database file before SQLite opens it. */
export interface Header {
  /** It has a write-ahead log beside it. */
  isWal: boolean;
  applicationId: number;
}

const MAGIC = "SQLite format 3\0";

/**
 * Never call this while this process has the file open in SQLite: closing any descriptor of a file drops
 * all POSIX locks of the process on it (https://www.sqlite.org/howtocorrupt.html, section 2.2).
 *
 * @throws WatchError `archive_unavailable` if it cannot be read, `archive_unusable` if it is no database.
 */
export function readHeader(path: string): Header {
  const bytes = Buffer.alloc(100);
  let length: number;
  try {
    if (statSync(path).isDirectory()) throw unusable(path, "it is a directory");
    const file = openSync(path, "r");
    try {
      length = readSync(file, bytes, 0, bytes.length, 0);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw cannotRead(path, error);
  }
  if (length === 0) throw unusable(path, "it is empty");
  if (length < bytes.length || bytes.toString("latin1", 0, 16) !== MAGIC) {
    throw unusable(path, "it is not a SQLite database");
  }
  return { isWal: bytes[18] === 2, applicationId: bytes.readUInt32BE(68) };
}

/** @returns the error for an archive that exists but cannot be used. */
export function unusable(path: string, why: string, cause?: unknown): WatchError {
  return archiveFailure("read", path, why, { code: "archive_unusable", cause });
}

/** @returns the error for an archive that cannot be read now. */
export function cannotRead(path: string, cause: unknown): WatchError {
  if (cause instanceof WatchError) return cause;
  // An error of neither SQLite nor the file system is a bug of ours, and no outage.
  if (!hasCode(cause)) throw cause;
  return archiveFailure("read", path, reasonOf(cause), { cause });
}

function hasCode(error: unknown): boolean {
  return codeOf(error) !== undefined && !(error instanceof RangeError);
}
