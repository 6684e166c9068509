/** A read-only connection that never goes blind, whatever is done to the file underneath it. */

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
  /** Where links lead to: SQLite keeps its log beside that. */
  realPath: string;
  /** Device and inode: another file at the same path has another identity. */
  identity: string;
  /** Device and inode of the write-ahead log; empty if there was none. */
  log: string;
  /** Columns come when the archive's writer is upgraded. */
  schemaVersion: number;
  /** Size and mtime of the main file. */
  stamp: string;
  /** Opened without looking at locks or a log, because there was no log. */
  isImmutable: boolean;
}

/** What a reader owes to the archive's owner. */
export interface ReaderOptions {
  /** No byte may change in its folder as long as nobody else writes: it is not ours, or only to be read. */
  leavesNoTrace: boolean;
}

/** Opens the archive at its first use, and anew whenever the file is not the one that was opened. */
export class SqliteReader {
  readonly #path: string;
  readonly #leavesNoTrace: boolean;
  #opened: Opened | null = null;
  /** Counts connections: a data_version only means something within one. */
  #generation = 0;
  #isClosed = false;

  constructor(path: string, { leavesNoTrace }: ReaderOptions) {
    this.#path = path;
    this.#leavesNoTrace = leavesNoTrace;
  }

  /** @throws WatchError `archive_unavailable`, `archive_unusable`; the next read tries anew. */
  read<T>(query: (connection: SqliteConnection) => T): T {
    try {
      return query(this.#current().connection);
    } catch (error) {
      // After an error nothing that this connection has cached can be trusted: the file may be another.
      if (!isBusy(error)) this.#forget();
      throw cannotRead(this.#path, error);
    }
  }

  /** @returns a token that stays the same only while nothing in the archive has changed. */
  revision(): string {
    return this.read((connection) => `${connection.generation}:${connection.dataVersion()}`);
  }

  /** For good: later reads fail. */
  close(): void {
    this.#forget();
    this.#isClosed = true;
  }

  /** The next read opens the archive anew. */
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
    // Another log, or none: what is committed from now on goes past the one that is open here.
    if (opened.log !== fileIdentity(logOf(opened.realPath))) return true;
    if (opened.schemaVersion !== opened.connection.schemaVersion()) return true;
    // A checkpoint, or somebody who has overwritten the file behind SQLite's back: they cannot be told apart.
    return opened.stamp !== stampOf(stats);
  }

  #open(stats: BigIntStats): Opened {
    // An archive at rest is opened as immutable: SQLite would create a log beside it otherwise.
    const realPath = realFile(this.#path);
    const isImmutable = this.#leavesNoTrace && readHeader(this.#path).isWal && !hasLog(realPath);
    const url = pathToFileURL(realPath);
    if (isImmutable) url.searchParams.set("immutable", "1");
    const db = new DatabaseSync(url, { readOnly: true });
    try {
      // Never block the event loop on somebody's lock. Deno takes `timeout: 0` for its default of 5 s.
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

/** An empty log holds nothing: the main file is the whole truth. */
function hasLog(path: string): boolean {
  return (statSync(logOf(path), { throwIfNoEntry: false })?.size ?? 0) > 0;
}
