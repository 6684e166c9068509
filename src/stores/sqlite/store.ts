/** Reads any SQLite archive, ours or an agentsview one of any age. */

import type { ListQuery, MessageQuery, SessionPage, Store } from "../../watch/ports.ts";
import type { MessageRow, SessionId, SessionState, SessionSummary } from "../../watch/session.ts";
import { ArchiveHints } from "./hints.ts";
import { readMessages } from "./messages.ts";
import { SqliteReader } from "./reader.ts";
import type { ReaderOptions } from "./reader.ts";
import type { Connection } from "./connection.ts";
import { findIds, readStates, readSummaries, readSummary } from "./sessions.ts";

export class SqliteStore implements Store {
  readonly #reader: SqliteReader;
  readonly #hints: ArchiveHints;

  /** Opens the archive to see whether it is one. @throws WatchError `archive_unavailable`, `archive_unusable`. */
  constructor(path: string, options: ReaderOptions) {
    this.#reader = new SqliteReader(path, options);
    this.#hints = new ArchiveHints(path);
    this.#reader.revision();
  }

  // Everything is read synchronously, before the promise is returned: what a caller does next comes after it.

  async revision(): Promise<string> {
    this.#hints.check();
    return this.#reader.revision();
  }

  async states(ids: readonly SessionId[]): Promise<Map<SessionId, SessionState>> {
    return this.read((connection) => readStates(connection, ids));
  }

  onHint(hint: () => void): () => void {
    return this.#hints.add(hint);
  }

  async list(query: ListQuery = {}): Promise<SessionPage> {
    return this.read((connection) => readSummaries(connection, query));
  }

  async get(id: SessionId): Promise<SessionSummary | null> {
    return this.read((connection) => readSummary(connection, id));
  }

  async idsStartingWith(prefix: string, limit: number): Promise<SessionId[]> {
    return this.read((connection) => findIds(connection, prefix, limit));
  }

  async messages(id: SessionId, query: MessageQuery = {}): Promise<MessageRow[]> {
    return this.read((connection) => readMessages(connection, id, query));
  }

  /** @throws WatchError `archive_unavailable`, `archive_unusable`. */
  protected read<T>(query: (connection: Connection) => T): T {
    return this.#reader.read(query);
  }

  async close(): Promise<void> {
    this.#hints.close();
    this.#reader.close();
  }
}
