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
import { findIds, readStates, readSummaries, readSummary } from "./sessions.ts";

/** A commit holds a lock for milliseconds. */
const LOCK = { patienceMs: 1500, retryMs: 10 };

/** Waits a little for locks; nothing else is tried again. */
export class SqliteStore implements Store {
  readonly #reader: SqliteReader;
  readonly #watch: ArchiveWatch;
  readonly #clock: Clock;

  /** Opens the archive to see whether it is one. @throws WatchError `archive_unavailable`, `archive_unusable`. */
  constructor(path: string, clock: Clock, options: ReaderOptions) {
    this.#clock = clock;
    this.#reader = new SqliteReader(path, options);
    this.#watch = new ArchiveWatch(path, clock, () => this.#reader.revision());
    try {
      this.#reader.revision();
    } catch (error) {
      // It is an archive, and somebody writes to it: whoever reads it will wait.
      if (!isBusy(error)) throw error;
    }
  }

  // Everything is read before the promise is returned, unless a lock is in the way: what a caller does next comes
  // after it.

  async revision(): Promise<string> {
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
    return this.read((connection) => readSummaries(connection, query));
  }

  async get(id: SessionId): Promise<Session | null> {
    return this.read((connection) => readSummary(connection, id));
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

  #patiently<T>(read: () => T): Promise<T> {
    return withLock(read, this.#clock, LOCK);
  }

  async close(): Promise<void> {
    this.#watch.close();
    this.#reader.close();
  }
}
