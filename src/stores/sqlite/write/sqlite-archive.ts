/** Our own archive: the reader, and one connection that writes. */

import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../../async/clock.ts";
import { messageOf } from "../../../errors.ts";
import type { WatchError } from "../../../errors.ts";
import type { Archive, SourceRecord, SyncedTranscript, SyncTransaction } from "../../../watch/archive.ts";
import { LOCAL_MACHINE } from "../../../session/session.ts";
import type { SessionId } from "../../../session/session.ts";
import { archiveFailure } from "../../shared/archive-failure.ts";
import { Statements } from "../database/sqlite-connection.ts";
import { cannotRead, reasonOf } from "../database/header.ts";
import { fileIdentity } from "../database/file-identity.ts";
import { withLock } from "../database/lock-patience.ts";
import { migrate } from "../database/schema.ts";
import { readSource, readSyncedTranscripts } from "./sources.ts";
import { SELECT_OFF_LIMITS, SELECT_PROJECT_FOLDERS } from "./statements.ts";
import { SqliteStore } from "../read/sqlite-store.ts";
import { WriteQueue } from "./write-queue.ts";
import type { WriteConnection } from "./write-queue.ts";

/** Another process may hold the write lock for as long as a first import takes. */
const LOCK = { patienceMs: 30_000, retryMs: 20 };

/**
 * Opens our own archive, and creates it (mode 0600) with its folder if there is none.
 *
 * @param machine whose the sessions are that are written for the first time.
 * @throws WatchError `archive_unavailable`, `archive_unusable`.
 */
export function openArchive(path: string, clock: Clock, machine = LOCAL_MACHINE): Archive {
  createPrivate(path);
  const writer = connect(path);
  try {
    return new SqliteArchive(path, clock, writer, machine);
  } catch (error) {
    writer.db.close();
    throw error;
  }
}

class SqliteArchive extends SqliteStore implements Archive {
  readonly #path: string;
  readonly #clock: Clock;
  #writer: Writer;
  readonly #queue: WriteQueue;

  /** @param writer the connection that was opened to `path`. */
  constructor(path: string, clock: Clock, writer: Writer, machine: string) {
    super(path, clock, { leavesNoTrace: false });
    this.#path = path;
    this.#clock = clock;
    this.#writer = writer;
    this.#queue = new WriteQueue({
      machine,
      clock,
      begin: () => this.#begin(),
      explain: (error) => (isSqliteError(error) ? this.#cannotWrite(error) : error),
    });
  }

  // Read as everybody reads: what a sync has not committed yet is not there.

  async syncedTranscripts(): Promise<Map<SessionId, SyncedTranscript>> {
    return this.read(readSyncedTranscripts);
  }

  async source(id: SessionId): Promise<SourceRecord | null> {
    return this.read((connection) => readSource(connection, id));
  }

  async projectFolders(limit: number): Promise<string[]> {
    return this.read((connection) =>
      connection
        .prepare(SELECT_PROJECT_FOLDERS)
        .all(limit)
        .map(({ cwd }) => String(cwd)),
    );
  }

  async offLimits(ids: readonly SessionId[]): Promise<Set<SessionId>> {
    const asked = JSON.stringify(ids);
    return this.read(
      (connection) =>
        new Set(
          connection
            .prepare(SELECT_OFF_LIMITS)
            .all(asked)
            .map(({ id }) => String(id)),
        ),
    );
  }

  async sync(id: SessionId, work: (transaction: SyncTransaction) => Promise<void>): Promise<void> {
    await this.#queue.run(id, work);
  }

  override async close(): Promise<void> {
    await this.#queue.idle();
    await super.close();
    this.#writer.db.close();
  }

  /** Waits for the write lock without blocking the event loop. */
  async #begin(): Promise<Writer> {
    this.#followFile();
    try {
      await withLock(() => this.#writer.db.exec("BEGIN IMMEDIATE"), this.#clock, LOCK);
      return this.#writer;
    } catch (error) {
      throw this.#cannotWrite(error);
    }
  }

  /** A file that was replaced would swallow what is written to it; one that is gone may come back. */
  #followFile(): void {
    const identity = fileIdentity(this.#path);
    if (identity === "") throw this.#cannotWrite(new Error("it does not exist any more"));
    if (identity === this.#writer.identity) return;
    const next = connect(this.#path);
    this.#writer.db.close();
    this.#writer = next;
  }

  #cannotWrite(cause: unknown): WatchError {
    return archiveFailure("write to", this.#path, messageOf(cause), { cause });
  }
}

/** The one connection that writes. */
interface Writer extends WriteConnection {
  /** The file that it writes to. */
  identity: string;
}

/**
 * Readers go on while it writes, and waiting for its lock is not left to SQLite, which would block the event loop. A
 * cache of 8 MiB and a log of 16 (in pages of 4 KiB) make imports a tenth faster.
 */
const SETTINGS = `
  PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 0;
  PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 4000`;

/** @throws WatchError `archive_unavailable`, `archive_unusable`. */
function connect(path: string): Writer {
  try {
    // Waiting is allowed here, and only here: several processes may create the archive at once.
    const db = new DatabaseSync(path, { timeout: 5000, enableForeignKeyConstraints: false });
    try {
      migrate(db, path);
      db.exec(SETTINGS);
      return { db, statements: new Statements(db), identity: fileIdentity(path) };
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    throw cannotRead(path, error);
  }
}

/** Transcripts hold secrets: the file, and with it SQLite's files beside it, is the owner's alone from the start. */
function createPrivate(path: string): void {
  if (existsSync(path)) return;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    // Another process was faster.
    if ((error as NodeJS.ErrnoException).code === "EEXIST" && existsSync(path)) return;
    const why = `${reasonOf(error)}; SESSIONWATCH_DATA_DIR names another folder`;
    throw archiveFailure("create", path, why, { cause: error });
  }
}

function isSqliteError(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === "ERR_SQLITE_ERROR";
}
