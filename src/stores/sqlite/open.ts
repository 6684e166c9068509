/** Decides whether a SQLite file is our own archive or somebody else's. */

import { existsSync } from "node:fs";
import type { Archive } from "../../watch/archive.ts";
import type { Store } from "../../watch/ports.ts";
import { readHeader } from "./header.ts";
import { APPLICATION_ID } from "./schema.ts";
import { SqliteStore } from "./store.ts";
import { openArchive } from "./writer.ts";

export interface SqliteOptions {
  /** It is our own archive, to be created if there is none; otherwise the file itself tells whose it is. */
  isDefault: boolean;
  readOnly: boolean;
}

/** @throws WatchError `archive_unavailable`, `archive_unusable`. */
export function openSqlite(
  path: string,
  options: SqliteOptions,
): { store: Store; archive: Archive | undefined } {
  const { isDefault, readOnly } = options;
  const isOurs = isDefault || readHeader(path).applicationId === APPLICATION_ID;
  if (!isOurs || (readOnly && existsSync(path)))
    return { store: new SqliteStore(path, { leavesNoTrace: true }), archive: undefined };
  const archive = openArchive(path);
  return { store: archive, archive: readOnly ? undefined : archive };
}
