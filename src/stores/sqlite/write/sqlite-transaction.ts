/** What one sync writes, inside the transaction of its archive. */

import type { Clock } from "../../../async/clock.ts";
import type { SavedSource, SourceRecord, SyncTransaction } from "../../../watch/archive.ts";
import type { SessionId } from "../../../session/session.ts";
import type { SessionFacts, TranscriptEntry } from "../../../session/entries.ts";
import { savedSession } from "../../shared/saved-session.ts";
import { Totals } from "../../shared/totals.ts";
import type { PreparedStatements } from "../database/sqlite-connection.ts";
import { SqliteMessageWriter } from "./sqlite-message-writer.ts";
import { readSource, writeSource } from "./sources.ts";
import { INSERT_SESSION, SELECT_EXCLUDED, SELECT_SESSION, UPSERT_SESSION } from "./sync-statements.ts";

/** Which machine writes, and on what time. */
export interface WriterIdentity {
  machine: string;
  clock: Clock;
}

/** It is only committed if it was saved. The queue that began the transaction checks `isSaved`. */
export class SqliteTransaction implements SyncTransaction {
  readonly source: SourceRecord | null;
  readonly isOffLimits: boolean;
  #saved = false;
  readonly #statements: PreparedStatements;
  readonly #id: SessionId;
  readonly #machine: string;
  readonly #clock: Clock;
  readonly #messages: SqliteMessageWriter;

  /** A new session belongs to this machine. */
  constructor(statements: PreparedStatements, id: SessionId, { machine, clock }: WriterIdentity) {
    this.#statements = statements;
    this.#id = id;
    this.#machine = machine;
    this.#clock = clock;
    const row = statements.prepare(SELECT_SESSION).get(id);
    this.source = readSource(statements, id);
    const excluded = statements.prepare(SELECT_EXCLUDED).get(id) !== undefined;
    this.isOffLimits = excluded || (row?.["deleted_at"] ?? null) !== null;
    this.#messages = new SqliteMessageWriter(statements, id, new Totals(row));
  }

  get isSaved(): boolean {
    return this.#saved;
  }

  async clear(): Promise<void> {
    this.#messages.clear();
  }

  async write(entries: readonly TranscriptEntry[]): Promise<void> {
    this.#statements.prepare(INSERT_SESSION).run(this.#id, this.#machine, this.#now());
    this.#messages.write(entries);
  }

  async save(facts: SessionFacts, source: SavedSource): Promise<void> {
    const { totals } = this.#messages;
    const row = savedSession(this.#id, { machine: this.#machine, facts, source, totals }, this.#now());
    this.#statements.run(UPSERT_SESSION, row);
    writeSource(this.#statements, this.#id, source);
    this.#saved = true;
  }

  /** RFC 3339 UTC. */
  #now(): string {
    return new Date(this.#clock.date()).toISOString();
  }
}
