/** Opens the archive that a URL names: the scheme picks the store. */

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Clock } from "../async/clock.ts";
import { messageOf, WatchError } from "../errors.ts";
import type { ArchiveWriting } from "../watch/archive.ts";
import type { Store } from "../watch/ports.ts";
import { LOCAL_MACHINE } from "../session/session.ts";
import { openPostgres } from "./postgres/open.ts";
import { openSqlite } from "./sqlite/open.ts";

/** What is asked of an archive that is opened. */
export interface OpenOptions {
  clock: Clock;
  /** Our own archive, created when it is opened for the first time; needed only where no URL is given. */
  defaultPath?: string;
  /** Only read, even if it is ours. @default false */
  readOnly?: boolean;
  /** Fail where an archive of ours may only be read, instead of warning. @default false */
  mustWrite?: boolean;
  /** Read an archive where others could read along. @default false */
  insecure?: boolean;
  /** Whose the sessions are that are written. @default in PostgreSQL the name of this host, in a file `local` */
  machine?: string;
  /** Gets one line per problem that is no reason to fail. @default no warnings */
  warn?: (message: string) => void;
}

/** An archive that can be read; ours can be written to as well, unless it was opened to be read only. */
export interface OpenedStore {
  store: Store;
  archive: ArchiveWriting | undefined;
  /** The absolute path of a foreign archive in a file. */
  foreignPath?: string;
  close: () => Promise<void>;
}

type Open = (url: string, options: OpenOptions) => OpenedStore | Promise<OpenedStore>;

/** Per scheme: how to get from the URL to an open store. */
const SCHEMES = new Map<string, Open>([
  ["sqlite", (url, options) => openFile(sqlitePath(url), options)],
  ["file", (url, options) => openFile(filePath(url), options)],
  ["postgres", openPostgres],
  ["postgresql", openPostgres],
]);

/**
 * @param url `sqlite:…`, `file:…`, `postgres://…`, or the path of an existing file; undefined for our own archive in
 *   `defaultPath`.
 * @throws WatchError `usage` for a URL that names no store, `archive_unavailable`, `archive_unusable`.
 */
export async function openStore(url: string | undefined, options: OpenOptions): Promise<OpenedStore> {
  const { defaultPath } = options;
  if (url === undefined) {
    if (defaultPath === undefined) throw new TypeError("openStore() needs a URL or a defaultPath");
    return openFile(defaultPath, options, true);
  }
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(url)?.[1]?.toLowerCase();
  const open = SCHEMES.get(scheme ?? "");
  if (open !== undefined) return await open(url, options);
  if (scheme !== undefined && !existsSync(url)) {
    // Only the scheme: what follows may hold a password.
    throw new WatchError(
      "usage",
      `--db: unknown scheme "${scheme}:"; use ${knownSchemes()}, or the path of a file`,
    );
  }
  return openFile(resolve(expandHome(url)), options);
}

function openFile(path: string, options: OpenOptions, isDefault = false): OpenedStore {
  if (!isDefault) refuseMistaken(path);
  const { clock, readOnly = false, machine = LOCAL_MACHINE } = options;
  const opened = openSqlite(path, { isDefault, readOnly, machine, clock });
  return { ...opened, close: () => opened.store.close() };
}

/** A URL with a slip in it is no path: a message with it in it would tell the password. */
function refuseMistaken(path: string): void {
  if (!/postgres(?:ql)?:?\/|:[^/]*@|passw(?:or)?d=/i.test(path) || existsSync(path)) return;
  throw new WatchError(
    "usage",
    "--db: that is neither a file that exists nor a URL; " +
      "a PostgreSQL archive is written postgres://user@host/database, without quotes",
  );
}

function knownSchemes(): string {
  return [...SCHEMES.keys()].map((scheme) => `${scheme}:`).join(", ");
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
