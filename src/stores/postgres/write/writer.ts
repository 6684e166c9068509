/** Syncs sessions into our own archive in PostgreSQL. */

import { createHash } from "node:crypto";
import type { Clock } from "../../../async/clock.ts";
import { ResourcePool } from "../../../async/resource-pool.ts";
import type {
  ArchiveWriting,
  SourceRecord,
  SyncedTranscript,
  SyncTransaction,
} from "../../../watch/archive.ts";
import type { SessionId } from "../../../session/session.ts";
import { archiveFailure } from "../../shared/archive-failure.ts";
import { syncedTranscriptsOf } from "../../shared/source-rows.ts";
import type { SyncedFile } from "../../shared/source-rows.ts";
import { ReconnectingConnection } from "../connect/reconnecting-connection.ts";
import type { ResultRow, Run } from "../sql/statement.ts";
import { postgresReason } from "../sql/postgres-errors.ts";
import { runScript } from "../sql/script.ts";
import type { ArchiveAddress } from "../connect/archive-address.ts";
import { obstacleOf, rightsSql } from "./rights.ts";
import { SyncStatements } from "./statements.ts";
import { PostgresTransaction, sourceOf } from "./sync-transaction.ts";

/** As many as the engine runs at once. */
const SYNCS_AT_ONCE = 4;
/** How long (ms) an unused connection stays open. */
const IDLE_MS = 120_000;
/** How long (ms) a statement with little data may take. */
const SMALL_MS = 5000;
/** How long (ms) a statement with much data may take, or one that waits for another process to sync the session. */
const DATA_MS = 60_000;

export interface WriterOptions {
  /** The schema of our own archive. */
  schema: string;
  /** The machine whose sessions are written; those of other machines are left alone. */
  machine: string;
}

/**
 * Each sync is a transaction on a connection that it does not share: the first message to the server begins it and
 * reads the stored state, the last one writes everything and commits. Only large syncs, and entries that may extend
 * stored messages, need more messages.
 */
export class ArchiveWriter implements ArchiveWriting {
  readonly #address: ArchiveAddress;
  readonly #options: WriterOptions;
  readonly #statements: SyncStatements;
  readonly #syncs: readonly ReconnectingConnection[];
  readonly #syncPool: ResourcePool<ReconnectingConnection>;
  /** Not one of the syncs' connections, which may all be in use by callers that wait for this one. */
  readonly #reads: ReconnectingConnection;

  constructor(address: ArchiveAddress, clock: Clock, options: WriterOptions) {
    this.#address = address;
    this.#options = options;
    this.#statements = new SyncStatements(options.schema);
    const connect = (): ReconnectingConnection =>
      new ReconnectingConnection(address, clock, { purpose: "sync", idleMs: IDLE_MS });
    this.#syncs = Array.from({ length: SYNCS_AT_ONCE }, connect);
    this.#syncPool = new ResourcePool(this.#syncs);
    this.#reads = connect();
  }

  /** @returns why nothing can be written, as a clause; null if writing is possible. */
  async obstacle(): Promise<string | null> {
    const [row = {}] = await this.#ask(rightsSql(this.#options.schema), SMALL_MS);
    return obstacleOf(row);
  }

  /** Of this machine only: other machines may have synced any number. */
  async syncedTranscripts(): Promise<Map<SessionId, SyncedTranscript>> {
    const [row] = await this.#ask(this.#statements.selectSyncedFiles(this.#options.machine), DATA_MS);
    return syncedTranscriptsOf((row?.["files"] ?? []) as SyncedFile[]);
  }

  async source(id: SessionId): Promise<SourceRecord | null> {
    const [row] = await this.#ask(this.#statements.selectSource(id), SMALL_MS);
    return row === undefined ? null : sourceOf(row);
  }

  async projectFolders(limit: number): Promise<string[]> {
    const rows = await this.#ask(this.#statements.selectFolders(this.#options.machine, limit), SMALL_MS);
    return rows.map(({ cwd }) => String(cwd));
  }

  async offLimits(ids: readonly SessionId[]): Promise<Set<SessionId>> {
    const rows = await this.#ask(this.#statements.selectOffLimits(ids, this.#options.machine), DATA_MS);
    return new Set(rows.map(({ id }) => String(id)));
  }

  async sync(id: SessionId, work: (transaction: SyncTransaction) => Promise<void>): Promise<void> {
    await this.#syncPool.use(async (connection) => {
      const run = await this.#orUnavailable(async () => connection.onOneConnection());
      try {
        await this.#syncOn(run, id, work);
      } catch (error) {
        await run("ROLLBACK", [], SMALL_MS).catch(lostWithItsConnection);
        throw error;
      }
    });
  }

  /** At once; syncs that are running are rolled back. */
  async close(): Promise<void> {
    await Promise.all([...this.#syncs, this.#reads].map((connection) => connection.close()));
  }

  async #syncOn(
    run: Run,
    id: SessionId,
    work: (transaction: SyncTransaction) => Promise<void>,
  ): Promise<void> {
    const { machine, schema } = this.#options;
    const statements = this.#statements;
    const send = (script: readonly string[]): Promise<readonly ResultRow[]> =>
      this.#orUnavailable(() => runScript(run, script, DATA_MS));
    const [state = {}] = await send([
      // Whatever the server's default is, the state must be read after the lock was taken.
      "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
      `SELECT pg_catalog.pg_advisory_xact_lock(${lockKey(schema)}, ${lockKey(id)})`,
      statements.selectState(id),
    ]);
    const transaction = new PostgresTransaction({ id, machine, statements, state, send });
    await work(transaction);
    await send(transaction.isSaved ? [...(await transaction.rest()), "COMMIT"] : ["ROLLBACK"]);
  }

  async #ask(query: string, deadlineMs: number): Promise<readonly ResultRow[]> {
    return await this.#orUnavailable(() => this.#reads.query(query, [], deadlineMs), "read");
  }

  async #orUnavailable<T>(attempt: () => Promise<T>, use: "read" | "write to" = "write to"): Promise<T> {
    try {
      return await attempt();
    } catch (error) {
      throw archiveFailure(use, this.#address.name, postgresReason(error), { cause: error });
    }
  }
}

/** A failed ROLLBACK means that the transaction ended with its connection; the caller throws the first error. */
function lostWithItsConnection(): void {}

/** Half of a lock's key; two sessions with the same key only wait for each other. */
function lockKey(text: string): number {
  return createHash("sha256").update(text).digest().readInt32BE();
}
