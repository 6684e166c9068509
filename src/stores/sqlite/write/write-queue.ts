/** Runs syncs one after another on the writing connection, and commits those that wait together. */

import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../../async/clock.ts";
import type { SyncTransaction } from "../../../watch/archive.ts";
import type { SessionId } from "../../../session/session.ts";
import type { PreparedStatements } from "../database/sqlite-connection.ts";
import { SqliteTransaction } from "./sqlite-transaction.ts";

/** For how long (ms) a transaction accepts further syncs. A commit costs as much as a small sync. */
const GROUP_MS = 50;

/** A connection that writes. */
export interface WriteConnection {
  db: DatabaseSync;
  statements: PreparedStatements;
}

interface Job {
  id: SessionId;
  work: (transaction: SyncTransaction) => Promise<void>;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** What the queue needs from the archive. */
export interface WriteQueueOptions {
  /** The machine of sessions that no machine has synced before. */
  machine: string;
  clock: Clock;
  /** Begins a transaction. */
  begin: () => Promise<WriteConnection>;
  /** Turns an error into the one that callers get. */
  explain: (error: unknown) => unknown;
}

/** Runs one sync at a time, in the order of the calls. */
export class WriteQueue {
  readonly #options: WriteQueueOptions;
  readonly #jobs: Job[] = [];
  #draining: Promise<void> | null = null;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  /** Resolves when what `work` has saved is committed, or when it has saved nothing. */
  run(id: SessionId, work: Job["work"]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#jobs.push({ id, work, resolve, reject });
    this.#draining ??= this.#drain();
    return promise;
  }

  /** Resolves when the queue is empty. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    while (this.#jobs.length > 0) await this.#commitTogether();
    this.#draining = null;
  }

  /** Each sync has its own savepoint, so that a failure rolls back only that sync. */
  async #commitTogether(): Promise<void> {
    const saved: Job[] = [];
    let connection: WriteConnection | undefined;
    try {
      connection = await this.#options.begin();
      const endMs = this.#options.clock.now() + GROUP_MS;
      do {
        const job = this.#jobs.shift();
        if (job !== undefined && (await this.#attempt(connection, job))) saved.push(job);
      } while (this.#jobs.length > 0 && this.#options.clock.now() < endMs);
      if (saved.length > 0) connection.db.exec("COMMIT");
      for (const { resolve } of saved) resolve();
    } catch (error) {
      // If the transaction could not begin, every waiting sync fails.
      const losers = connection === undefined ? this.#jobs.splice(0) : saved;
      for (const { reject } of losers) reject(this.#options.explain(error));
    } finally {
      // After some errors (a full disk), SQLite has already rolled back.
      if (connection?.db.isTransaction === true) connection.db.exec("ROLLBACK");
    }
  }

  /** @returns whether there is something to commit. @throws when the whole transaction is lost. */
  async #attempt({ db, statements }: WriteConnection, { id, work, resolve, reject }: Job): Promise<boolean> {
    try {
      db.exec("SAVEPOINT sync");
      const transaction = new SqliteTransaction(statements, id, this.#options);
      await work(transaction);
      if (transaction.isSaved) {
        db.exec("RELEASE sync");
        return true;
      }
      db.exec("ROLLBACK TO sync; RELEASE sync");
      resolve();
    } catch (error) {
      reject(this.#options.explain(error));
      if (!db.isTransaction) throw error;
      db.exec("ROLLBACK TO sync; RELEASE sync");
    }
    return false;
  }
}
