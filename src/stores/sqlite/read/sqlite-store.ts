/** Reads any SQLite archive, ours or an agentsview one of any age. */

import { setTimeout as sleep } from "node:timers/promises";
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
import { ArchiveWatch } from "../notify/archive-watch.ts";
import { readMessages } from "./messages.ts";
import { isBusy, SqliteReader } from "./sqlite-reader.ts";
import type { ReaderOptions } from "./sqlite-reader.ts";
import type { SqliteConnection } from "../database/sqlite-connection.ts";
import { findIds, readStates, readSummaries, readSummary } from "./sessions.ts";

/** How long (ms) a read waits for a lock to go: a commit holds it for milliseconds. */
const LOCK_PATIENCE_MS = 1500;
/** Longest pause (ms) between two tries. */
const LOCK_RETRY_MS = 10;

/** Waits a little for locks; nothing else is tried again. */
export class SqliteStore implements Store {
  readonly #reader: SqliteReader;
  readonly #hints: ArchiveWatch;

  /** Opens the archive to see whether it is one. @throws WatchError `archive_unavailable`, `archive_unusable`. */
  constructor(path: string, options: ReaderOptions) {
    this.#reader = new SqliteReader(path, options);
    this.#hints = new ArchiveWatch(path);
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
    return await patiently(() => this.#reader.revision());
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
    return patiently(() => this.#reader.read(query));
  }

  async close(): Promise<void> {
    this.#hints.close();
    this.#reader.close();
  }
}

/** Tries at once, and again for as long as nothing but a lock is in the way; the event loop goes on meanwhile. */
async function patiently<T>(read: () => T): Promise<T> {
  for (const deadline = Date.now() + LOCK_PATIENCE_MS; ; await sleep(Math.random() * LOCK_RETRY_MS)) {
    try {
      return read();
    } catch (error) {
      if (!isBusy(error) || Date.now() > deadline) throw error;
    }
  }
}
