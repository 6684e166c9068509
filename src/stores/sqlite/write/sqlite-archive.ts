/** Our own archive: a reader, and one connection that writes. */

import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../../async/clock.ts";
import { codeOf, reasonOf } from "../../../async/failure-words.ts";
import { messageOf } from "../../../errors.ts";
import type { WatchError } from "../../../errors.ts";
import type { Archive, SourceRecord, SyncedTranscript, SyncTransaction } from "../../../watch/archive.ts";
import { LOCAL_MACHINE } from "../../../session/session.ts";
import type { SessionId } from "../../../session/session.ts";
import { archiveFailure } from "../../shared/archive-failure.ts";
import { PreparedStatements } from "../database/sqlite-connection.ts";
import { cannotRead } from "../database/header.ts";
import { fileIdentity } from "../database/file-identity.ts";
import { withLock } from "../database/lock-patience.ts";
import { migrate } from "../database/schema.ts";
import { readSource, readSyncedTranscripts } from "./sources.ts";
import { SELECT_OFF_LIMITS, SELECT_PROJECT_FOLDERS } from "./sync-statements.ts";
import { SqliteStore } from "../read/sqlite-store.ts";
import { WriteQueue } from "./write-queue.ts";
import type { WriteConnection } from "./write-queue.ts";

/** The first import of another process may hold the write lock for seconds. */
const LOCK = { patienceMs: 30_000, retryMs: 20 };

/**
 * Opens our own archive. Creates it (mode 0600) and its folder if it does not exist.
 *
 * @param machine the machine of sessions that are written for the first time.
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

  /** @param writer an open connection to `path`. */
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

  // These use the reader, so that they do not see what a sync has not committed.

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

  /** Opens the file that is at the path now: writes to a file that was replaced would be lost. */
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
 * Readers continue while it writes. SQLite does not wait for locks, because that would block the event loop. A cache of
 * 8 MiB and a log of 16 MiB (in pages of 4 KiB) make imports a tenth faster.
 */
const SETTINGS = `
  PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 0;
  PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 4000`;

/** @throws WatchError `archive_unavailable`, `archive_unusable`. */
function connect(path: string): Writer {
  try {
    // Only here SQLite itself waits: several processes may create the archive at once.
    const db = new DatabaseSync(path, { timeout: 5000, enableForeignKeyConstraints: false });
    try {
      migrate(db, path);
      db.exec(SETTINGS);
      return { db, statements: new PreparedStatements(db), identity: fileIdentity(path) };
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    throw cannotRead(path, error);
  }
}

/** Transcripts hold secrets, so only the owner may read the file and SQLite's files beside it from the start. */
function createPrivate(path: string): void {
  if (existsSync(path)) return;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    // Another process was faster.
    if (codeOf(error) === "EEXIST" && existsSync(path)) return;
    const why = `${reasonOf(error)}; SESSIONWATCH_DATA_DIR names another folder`;
    throw archiveFailure("create", path, why, { cause: error });
  }
}

function isSqliteError(error: unknown): boolean {
  return codeOf(error) === "ERR_SQLITE_ERROR";
}
