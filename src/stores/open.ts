/** Opens the archive that a URL names: the scheme picks the store. */

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf, WatchError } from "../errors.ts";
import { openSqlite } from "./sqlite/open.ts";
import type { OpenedSqlite } from "./sqlite/open.ts";

export type { OpenedSqlite as OpenedStore };

export interface OpenOptions {
  /** Our own archive, created when it is opened for the first time; needed only where no URL is given. */
  defaultPath?: string;
  /** Only read, even if it is ours. @default false */
  readOnly?: boolean;
}

/** Per scheme: how to get from the URL to an open store. */
const SCHEMES = new Map<string, (url: string, readOnly: boolean) => OpenedSqlite>([
  ["sqlite", (url, readOnly) => openSqlite(sqlitePath(url), { isDefault: false, readOnly })],
  ["file", (url, readOnly) => openSqlite(filePath(url), { isDefault: false, readOnly })],
]);

/**
 * @param url `sqlite:…`, `file:…`, or the path of an existing file; undefined for our own archive.
 * @throws WatchError `usage` for a URL that names no store, `archive_unavailable`, `archive_unusable`.
 */
export function openStore(url: string | undefined, options: OpenOptions = {}): OpenedSqlite {
  const { defaultPath, readOnly = false } = options;
  if (url === undefined) {
    if (defaultPath === undefined) throw new TypeError("openStore() needs a URL or a defaultPath");
    return openSqlite(defaultPath, { isDefault: true, readOnly });
  }
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(url)?.[1]?.toLowerCase();
  const open = SCHEMES.get(scheme ?? "");
  if (open !== undefined) return open(url, readOnly);
  if (scheme !== undefined && !existsSync(url)) {
    // Only the scheme: what follows may hold a password.
    throw new WatchError(
      "usage",
      `--db: unknown scheme "${scheme}:"; use ${knownSchemes()}, or the path of a file`,
    );
  }
  return openSqlite(resolve(expandHome(url)), { isDefault: false, readOnly });
}

function knownSchemes(): string {
  return [...SCHEMES.keys()].map((scheme) => `${scheme}:`).join(" or ");
}

/** `sqlite:relative.db`, `sqlite:~/in/home.db`, `sqlite:///absolute.db`. */
function sqlitePath(url: string): string {
  const rest = url.slice(url.indexOf(":") + 1).replace(/^\/\/(?=\/)/, "");
  if (rest === "") throw new WatchError("usage", "--db: sqlite: needs a path, as in sqlite:sessions.db");
  return resolve(expandHome(rest));
}

/** `file:///absolute.db`, and `file:relative.db` as SQLite knows it. */
function filePath(url: string): string {
  if (!url.startsWith("file://")) return sqlitePath(url);
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new WatchError("usage", `--db: not a file URL: ${messageOf(error)}`, { cause: error });
  }
}

function expandHome(path: string): string {
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
}
