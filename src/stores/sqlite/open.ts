/** Decides whether a SQLite file is our own archive or somebody else's. */

import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Clock } from "../../async/clock.ts";
import type { Archive } from "../../watch/archive.ts";
import type { Store } from "../../watch/ports.ts";
import { openArchive } from "./write/sqlite-archive.ts";
import { readHeader } from "./database/header.ts";
import { APPLICATION_ID } from "./database/schema.ts";
import { SqliteStore } from "./read/sqlite-store.ts";

/** Whose archive a path is, and what it is opened for. */
export interface SqliteOptions {
  /** It is our own archive, to be created if there is none; otherwise the file itself tells whose it is. */
  isDefault: boolean;
  /** Only read, even if it is ours. */
  readOnly: boolean;
  clock: Clock;
  /** Whose the sessions are that are written for the first time. @default "local" */
  machine?: string;
}

/** A store that can be read; ours can be written to as well, unless it was opened to be read only. */
export interface OpenedSqlite {
  store: Store;
  archive: Archive | undefined;
  /** Its absolute path, if it is somebody else's. */
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
 * Who created the archive may have been killed at it. Reading alone cannot bring that to an end: it has to be opened as
 * one that does not exist yet.
 */
function isComplete(path: string): boolean {
  return hasContent(path) && !hasContent(`${path}-journal`);
}

function hasContent(path: string): boolean {
  return existsSync(path) && statSync(path).size > 0;
}
