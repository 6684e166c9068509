/** Reads any SQLite archive, ours or an agentsview one of any age. */

import type {
  Changes,
  Hint,
  ListQuery,
  Mark,
  MessageQuery,
  SessionPage,
  Store,
} from "../../../watch/ports.ts";
import type { Message, SessionId, SessionVersion, Session } from "../../../session/session.ts";
import type { Clock } from "../../../async/clock.ts";
import { isBusy } from "../database/busy.ts";
import { withLock } from "../database/lock-patience.ts";
import { readChanges } from "./changes.ts";
import { ArchiveWatch } from "../notify/archive-watch.ts";
import { readMessages } from "./messages.ts";
import { SqliteReader } from "./sqlite-reader.ts";
import type { ReaderOptions } from "./sqlite-reader.ts";
import type { SqliteConnection } from "../database/sqlite-connection.ts";
import { findIds, readStates, readSessions, readSession } from "./sessions.ts";

/** A commit holds a lock for milliseconds. */
const LOCK = { patienceMs: 1500, retryMs: 10 };

/** How long (ms) the look that a notification leads to may use the revision that the notification was checked with. */
const FRESH_MS = 1;

/** Waits for locks for a short time. All other errors fail at once. */
export class SqliteStore implements Store {
  readonly #reader: SqliteReader;
  readonly #watch: ArchiveWatch;
  readonly #clock: Clock;
  /** The revision that a notification was checked with. */
  #notified: { revision: string; atMs: number } | null = null;

  /** Opens the archive to check it. @throws WatchError `archive_unavailable`, `archive_unusable`. */
  constructor(path: string, clock: Clock, options: ReaderOptions) {
    this.#clock = clock;
    this.#reader = new SqliteReader(path, options);
    this.#watch = new ArchiveWatch(path, clock, () => this.#revisionOnHint());
    try {
      this.#reader.revision();
    } catch (error) {
      // A locked file is an archive that another process writes to. Reads will wait for it.
      if (!isBusy(error)) throw error;
    }
  }

  // Each method reads before it returns its promise, unless a lock is in the way. So it sees nothing that its caller
  // does afterwards.

  async revision(): Promise<string> {
    const notified = this.#notified;
    this.#notified = null;
    if (notified !== null && this.#clock.now() - notified.atMs < FRESH_MS) return notified.revision;
    this.#watch.check();
    return await this.#patiently(() => this.#reader.revision());
  }

  async states(ids: readonly SessionId[]): Promise<Map<SessionId, SessionVersion>> {
    return this.read((connection) => readStates(connection, ids));
  }

  async changes(mark: Mark | null): Promise<Changes> {
    return this.read((connection) => readChanges(connection, mark));
  }

  onHint(hint: Hint): () => void {
    return this.#watch.add(() => hint(null));
  }

  async list(query: ListQuery = {}): Promise<SessionPage> {
    return this.read((connection) => readSessions(connection, query));
  }

  async get(id: SessionId): Promise<Session | null> {
    return this.read((connection) => readSession(connection, id));
  }

  async idsStartingWith(prefix: string, limit: number): Promise<SessionId[]> {
    return this.read((connection) => findIds(connection, prefix, limit));
  }

  async messages(id: SessionId, query: MessageQuery = {}): Promise<Message[]> {
    return this.read((connection) => readMessages(connection, id, query));
  }

  /** @throws WatchError `archive_unavailable`, `archive_unusable`. */
  protected read<T>(query: (connection: SqliteConnection) => T): Promise<T> {
    return this.#patiently(() => this.#reader.read(query));
  }

  #revisionOnHint(): string {
    this.#notified = null;
    const revision = this.#reader.revision();
    this.#notified = { revision, atMs: this.#clock.now() };
    return revision;
  }

  #patiently<T>(read: () => T): Promise<T> {
    return withLock(read, this.#clock, LOCK);
  }

  async close(): Promise<void> {
    this.#watch.close();
    this.#reader.close();
  }
}
