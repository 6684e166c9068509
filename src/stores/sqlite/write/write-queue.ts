/** Lets syncs take turns at the one connection that writes, and commits those that wait together. */

import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../../async/clock.ts";
import type { SyncTransaction } from "../../../watch/archive.ts";
import type { SessionId } from "../../../session/session.ts";
import type { Statements } from "../database/sqlite-connection.ts";
import { SqliteTransaction } from "./sqlite-transaction.ts";

/** How long (ms) after its beginning a transaction takes in one more sync: a commit costs as much as a small sync. */
const GROUP_MS = 50;

/** A connection that writes. */
export interface WriteConnection {
  db: DatabaseSync;
  statements: Statements;
}

interface Job {
  id: SessionId;
  work: (transaction: SyncTransaction) => Promise<void>;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** What the queue asks of the archive. */
export interface WriteQueueOptions {
  /** Whose sessions are that nobody has brought yet. */
  machine: string;
  clock: Clock;
  /** Begins a transaction. */
  begin: () => Promise<WriteConnection>;
  /** What is made of an error before somebody is told. */
  explain: (error: unknown) => unknown;
}

/** One sync at a time, in the order in which they came. */
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

  /** Resolves when nobody waits any more. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    while (this.#jobs.length > 0) await this.#commitTogether();
    this.#draining = null;
  }

  /** Each sync has a savepoint of its own: one that fails takes back nothing but what is its own. */
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
      // Whoever could not even begin is the first in the queue.
      const losers = connection === undefined ? this.#jobs.splice(0) : saved;
      for (const { reject } of losers) reject(this.#options.explain(error));
    } finally {
      // SQLite has rolled back by itself after some errors (a full disk).
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
