/** Opens a SQLite file: our own archive for reading and writing, a foreign one for reading only. */

import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Clock } from "../../async/clock.ts";
import type { Archive } from "../../watch/archive.ts";
import type { Store } from "../../watch/ports.ts";
import { openArchive } from "./write/sqlite-archive.ts";
import { readHeader } from "./database/header.ts";
import { APPLICATION_ID } from "./database/schema.ts";
import { SqliteStore } from "./read/sqlite-store.ts";

/** How to open a SQLite file. */
export interface SqliteOptions {
  /** It is our own archive, and is created if it does not exist. Otherwise the file says whose it is. */
  isDefault: boolean;
  /** Only reads, even if the archive is ours. */
  readOnly: boolean;
  clock: Clock;
  /** The machine of sessions that are written for the first time. @default "local" */
  machine?: string;
}

/** An open store. `archive` is undefined if it can only be read. */
export interface OpenedSqlite {
  store: Store;
  archive: Archive | undefined;
  /** The absolute path of a foreign archive. */
  foreignPath?: string;
}

/** @throws WatchError `archive_unavailable`, `archive_unusable`. */
export function openSqlite(path: string, options: SqliteOptions): OpenedSqlite {
  const { isDefault, readOnly, machine, clock } = options;
  const isOurs = isDefault || readHeader(path).applicationId === APPLICATION_ID;
  if (!isOurs || (readOnly && isComplete(path))) {
    const store = new SqliteStore(path, clock, { leavesNoTrace: true });
    return { store, archive: undefined, ...(isOurs ? {} : { foreignPath: resolve(path) }) };
  }
  const archive = openArchive(path, clock, machine);
  return { store: archive, archive: readOnly ? undefined : archive };
}

/**
 * The process that created the archive may have been killed before it was done. A reader cannot finish its work, so
 * such an archive is opened for writing.
 */
function isComplete(path: string): boolean {
  return hasContent(path) && !hasContent(`${path}-journal`);
}

function hasContent(path: string): boolean {
  return existsSync(path) && statSync(path).size > 0;
}
