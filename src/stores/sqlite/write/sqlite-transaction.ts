/** What one sync writes, inside the transaction that its archive has begun. */

import type { SourceRecord, SyncTransaction } from "../../../watch/archive.ts";
import type { SessionId } from "../../../session/session.ts";
import type { SessionFacts, TranscriptEntry } from "../../../session/entries.ts";
import { savedSession } from "../../shared/saved-session.ts";
import { Totals } from "../../shared/totals.ts";
import type { Statements } from "../database/sqlite-connection.ts";
import { MessageWriter } from "./message-writer.ts";
import { readSource, writeSource } from "./sources.ts";
import { INSERT_SESSION, SELECT_EXCLUDED, SELECT_SESSION, UPSERT_SESSION } from "./statements.ts";

/** Nothing of it is committed unless it was saved: whoever began the transaction asks `isSaved`. */
export class SqliteTransaction implements SyncTransaction {
  readonly source: SourceRecord | null;
  readonly isOffLimits: boolean;
  #saved = false;
  readonly #statements: Statements;
  readonly #id: SessionId;
  readonly #machine: string;
  readonly #messages: MessageWriter;

  /** @param machine whose the session is if nobody has brought it yet. */
  constructor(statements: Statements, id: SessionId, machine: string) {
    this.#statements = statements;
    this.#id = id;
    this.#machine = machine;
    const row = statements.prepare(SELECT_SESSION).get(id);
    this.source = readSource(statements, id);
    const excluded = statements.prepare(SELECT_EXCLUDED).get(id) !== undefined;
    this.isOffLimits = excluded || (row?.["deleted_at"] ?? null) !== null;
    this.#messages = new MessageWriter(statements, id, new Totals(row));
  }

  get isSaved(): boolean {
    return this.#saved;
  }

  async clear(): Promise<void> {
    this.#messages.clear();
  }

  async write(entries: readonly TranscriptEntry[]): Promise<void> {
    this.#statements.prepare(INSERT_SESSION).run(this.#id, this.#machine, new Date().toISOString());
    this.#messages.write(entries);
  }

  async save(facts: SessionFacts, source: SourceRecord): Promise<void> {
    const { totals } = this.#messages;
    const row = savedSession(this.#id, { machine: this.#machine, facts, source, totals });
    this.#statements.run(UPSERT_SESSION, row);
    writeSource(this.#statements, this.#id, source);
    this.#saved = true;
  }
}
