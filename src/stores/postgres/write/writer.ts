/** The writing half of our own archive in PostgreSQL. */

import { createHash } from "node:crypto";
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
import { LinkPool } from "../connect/link-pool.ts";
import { Link } from "../connect/link.ts";
import type { Row, Run } from "../connect/run.ts";
import { reasonOf } from "../connect/reasons.ts";
import { runScript } from "../connect/script.ts";
import type { Target } from "../connect/target.ts";
import { lackOf, rightsSql } from "./rights.ts";
import { Statements } from "./statements.ts";
import { PostgresTransaction, sourceOf } from "./transaction.ts";

/** As many as the engine syncs at once. */
const SYNCS_AT_ONCE = 4;
/** How long (ms) an unused connection stays open. */
const IDLE_MS = 120_000;
/** How long (ms) the server has for a statement that carries and brings little. */
const SMALL_MS = 5000;
/** How long (ms) it has for one that carries data, or waits until another process is done with the session. */
const DATA_MS = 60_000;

export interface WriterOptions {
  /** The schema of our own archive. */
  schema: string;
  /** Whose sessions these are; those of others are left alone. */
  machine: string;
}

/**
 * Each sync is a transaction on a connection of its own: the first message to the server begins it and asks what is
 * known, the last one brings everything and commits it. Only what may go on with messages that are there already, or is
 * much, needs more.
 */
export class ArchiveWriter implements ArchiveWriting {
  readonly #target: Target;
  readonly #options: WriterOptions;
  readonly #statements: Statements;
  readonly #syncs: LinkPool;
  /** Not one of the syncs' own: somebody who syncs may ask while all of those are taken. */
  readonly #questions: Link;

  constructor(target: Target, options: WriterOptions) {
    this.#target = target;
    this.#options = options;
    this.#statements = new Statements(options.schema);
    const newLink = (): Link => new Link(target, { purpose: "sync", idleMs: IDLE_MS });
    this.#syncs = new LinkPool(Array.from({ length: SYNCS_AT_ONCE }, newLink));
    this.#questions = newLink();
  }

  /** @returns why nothing can be written, as a clause; null if there is no reason. */
  async lack(): Promise<string | null> {
    const [row = {}] = await this.#ask(rightsSql(this.#options.schema), SMALL_MS);
    return lackOf(row);
  }

  /** @returns what was synced by this machine: of other ones', the archive may hold any number. */
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
    await this.#syncs.use(async (link) => {
      const run = await this.#orUnavailable(async () => link.onOneConnection());
      try {
        await this.#syncOn(run, id, work);
      } catch (error) {
        await run("ROLLBACK", [], SMALL_MS).catch(lostWithItsConnection);
        throw error;
      }
    });
  }

  /** At once: what is under way is rolled back. */
  async close(): Promise<void> {
    await Promise.all([this.#syncs.close(), this.#questions.close()]);
  }

  async #syncOn(
    run: Run,
    id: SessionId,
    work: (transaction: SyncTransaction) => Promise<void>,
  ): Promise<void> {
    const { machine, schema } = this.#options;
    const statements = this.#statements;
    const send = (script: readonly string[]): Promise<readonly Row[]> =>
      this.#orUnavailable(() => runScript(run, script, DATA_MS));
    const [state = {}] = await send([
      // Whatever the server's default is: the state must be read as it is once the lock is held.
      "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
      `SELECT pg_catalog.pg_advisory_xact_lock(${lockKey(schema)}, ${lockKey(id)})`,
      statements.selectState(id),
    ]);
    const transaction = new PostgresTransaction({ id, machine, statements, state, send });
    await work(transaction);
    await send(transaction.isSaved ? [...(await transaction.rest()), "COMMIT"] : ["ROLLBACK"]);
  }

  async #ask(question: string, deadlineMs: number): Promise<readonly Row[]> {
    return await this.#orUnavailable(() => this.#questions.query(question, [], deadlineMs), "read");
  }

  async #orUnavailable<T>(attempt: () => Promise<T>, use: "read" | "write to" = "write to"): Promise<T> {
    try {
      return await attempt();
    } catch (error) {
      throw archiveFailure(use, this.#target.name, reasonOf(error), { cause: error });
    }
  }
}

/** A transaction that cannot be rolled back has ended already, with its connection; what has led there is told. */
function lostWithItsConnection(): void {}

/** Half of a key; two sessions that have the same one wait for each other, and that is all. */
function lockKey(text: string): number {
  return createHash("sha256").update(text).digest().readInt32BE();
}
