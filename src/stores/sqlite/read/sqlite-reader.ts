/** A read-only connection that keeps working when the file is replaced, moved, or overwritten. */

import { statSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { pathToFileURL } from "node:url";
import { DatabaseSync } from "node:sqlite";
import { WatchError } from "../../../errors.ts";
import { SqliteConnection } from "../database/sqlite-connection.ts";
import { fileIdentity, identityOf } from "../database/file-identity.ts";
import { isBusy } from "../database/busy.ts";
import { cannotRead, readHeader } from "../database/header.ts";
import { realFile } from "../database/real-file.ts";
import { readTables } from "../database/tables.ts";

interface Opened {
  connection: SqliteConnection;
  /** The target of all links. SQLite keeps its log beside it. */
  realPath: string;
  /** Device and inode, which another file at the same path does not have. */
  identity: string;
  /** Device and inode of the write-ahead log; empty if there was none. */
  log: string;
  /** An upgrade of the archive's writer adds columns. */
  schemaVersion: number;
  /** Size and mtime of the main file. */
  stamp: string;
  /** Opened without locks and without a log, because there was no log. */
  isImmutable: boolean;
}

/** How a reader treats the archive. */
export interface ReaderOptions {
  /** It changes no byte in the archive's folder, because the archive is foreign or may only be read. */
  leavesNoTrace: boolean;
}

/** Opens the archive at its first use, and again when another file is in its place. */
export class SqliteReader {
  readonly #path: string;
  readonly #leavesNoTrace: boolean;
  #opened: Opened | null = null;
  /** Counts connections. A data_version means something on one connection only. */
  #generation = 0;
  #isClosed = false;

  constructor(path: string, { leavesNoTrace }: ReaderOptions) {
    this.#path = path;
    this.#leavesNoTrace = leavesNoTrace;
  }

  /** @throws WatchError `archive_unavailable`, `archive_unusable`; the next read tries again. */
  read<T>(query: (connection: SqliteConnection) => T): T {
    try {
      return query(this.#current().connection);
    } catch (error) {
      // After an error the connection's caches may be wrong: there may be another file.
      if (!isBusy(error)) this.#forget();
      throw cannotRead(this.#path, error);
    }
  }

  /** @returns a token that stays the same only while nothing in the archive has changed. */
  revision(): string {
    return this.read((connection) => `${connection.generation}:${connection.dataVersion()}`);
  }

  /** Later reads fail. */
  close(): void {
    this.#forget();
    this.#isClosed = true;
  }

  /** Lets the next read open the archive again. */
  #forget(): void {
    const opened = this.#opened;
    this.#opened = null;
    opened?.connection.close();
  }

  #current(): Opened {
    if (this.#isClosed)
      throw new WatchError("archive_unavailable", `Archive ${JSON.stringify(this.#path)} was closed`);
    const stats = statSync(this.#path, { bigint: true });
    if (this.#opened !== null && this.#isStale(this.#opened, stats)) this.#forget();
    this.#opened ??= this.#open(stats);
    return this.#opened;
  }

  #isStale(opened: Opened, stats: BigIntStats): boolean {
    if (opened.identity !== identityOf(stats)) return true;
    if (opened.isImmutable && hasLog(opened.realPath)) return true;
    // With another log, later commits do not reach the one that is open here.
    if (opened.log !== fileIdentity(logOf(opened.realPath))) return true;
    if (opened.schemaVersion !== opened.connection.schemaVersion()) return true;
    // Either a checkpoint, or a program that has overwritten the file without SQLite. They look the same.
    return opened.stamp !== stampOf(stats);
  }

  #open(stats: BigIntStats): Opened {
    // Without `immutable`, SQLite would create a log beside an archive at rest.
    const realPath = realFile(this.#path);
    const isImmutable = this.#leavesNoTrace && readHeader(this.#path).isWal && !hasLog(realPath);
    const url = pathToFileURL(realPath);
    if (isImmutable) url.searchParams.set("immutable", "1");
    const db = new DatabaseSync(url, { readOnly: true });
    try {
      // A lock must not block the event loop. Deno takes `timeout: 0` for its default of 5 s.
      db.exec("PRAGMA busy_timeout = 0");
      this.#generation += 1;
      const connection = new SqliteConnection(db, readTables(db, this.#path), this.#generation);
      const schemaVersion = connection.schemaVersion();
      const log = fileIdentity(logOf(realPath));
      return {
        connection,
        realPath,
        identity: identityOf(stats),
        stamp: stampOf(stats),
        log,
        schemaVersion,
        isImmutable,
      };
    } catch (error) {
      db.close();
      throw error;
    }
  }
}

function stampOf(stats: BigIntStats): string {
  return `${stats.size}:${stats.mtimeNs}`;
}

function logOf(realPath: string): string {
  return `${realPath}-wal`;
}

/** An empty log counts as none: everything is in the main file. */
function hasLog(path: string): boolean {
  return (statSync(logOf(path), { throwIfNoEntry: false })?.size ?? 0) > 0;
}
