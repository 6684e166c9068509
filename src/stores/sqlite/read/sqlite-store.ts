/** Reads any SQLite archive, ours or an agentsview one of any age. */

import type { Clock } from "../../../async/clock.ts";
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
import { readChanges } from "./changes.ts";
import { isBusy, whileLocked } from "../database/locks.ts";
import { ArchiveWatch } from "../notify/archive-watch.ts";
import { readMessages } from "./messages.ts";
import { SqliteReader } from "./sqlite-reader.ts";
import type { ReaderOptions } from "./sqlite-reader.ts";
import type { SqliteConnection } from "../database/sqlite-connection.ts";
import { findIds, readStates, readSummaries, readSummary } from "./sessions.ts";

/** How long a read waits for a lock. A commit holds it for milliseconds. */
const LOCK_WAIT = { patienceMs: 1500, retryMs: 10 };

export interface SqliteStoreOptions extends ReaderOptions {
  clock: Clock;
}

/** Waits for locks for a short time; every other error fails at once. */
export class SqliteStore implements Store {
  readonly #reader: SqliteReader;
  readonly #hints: ArchiveWatch;
  readonly #clock: Clock;

  /** Opens the archive to see whether it is one. @throws WatchError `archive_unavailable`, `archive_unusable`. */
  constructor(path: string, { clock, ...options }: SqliteStoreOptions) {
    this.#clock = clock;
    this.#reader = new SqliteReader(path, options);
    this.#hints = new ArchiveWatch(path, clock);
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
    this.#hints.check();
    return await this.#patiently(() => this.#reader.revision());
  }

  async states(ids: readonly SessionId[]): Promise<Map<SessionId, SessionVersion>> {
    return this.read((connection) => readStates(connection, ids));
  }

  async changes(mark: Mark | null): Promise<Changes> {
    return this.read((connection) => readChanges(connection, mark));
  }

  onHint(hint: Hint): () => void {
    return this.#hints.add(() => hint(null));
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

  async close(): Promise<void> {
    this.#hints.close();
    this.#reader.close();
  }

  #patiently<T>(read: () => T): Promise<T> {
    return whileLocked(read, this.#clock, LOCK_WAIT);
  }
}
