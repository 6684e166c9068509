/** One sync's writes, inside the transaction that the writer has begun. */

import type { SavedSource, SourceRecord, SyncTransaction } from "../../../watch/archive.ts";
import type { SessionId } from "../../../session/session.ts";
import type { SessionFacts, TranscriptEntry } from "../../../session/entries.ts";
import type { CellRow } from "../../shared/draft-rows.ts";
import { savedSession } from "../../shared/saved-session.ts";
import { fileRow, sourceFileOf } from "../../shared/source-rows.ts";
import { Totals } from "../../shared/totals.ts";
import type { ResultRow } from "../sql/statement.ts";
import { cellAs } from "./cell.ts";
import { PostgresMessageWriter } from "./message-writer.ts";
import type { Send } from "./message-writer.ts";
import type { SyncStatements } from "./statements.ts";

export interface TransactionOptions {
  id: SessionId;
  /** The owner of a new session; sessions of another machine are off limits. */
  machine: string;
  statements: SyncStatements;
  /** The row of `SyncStatements.selectState`. */
  state: ResultRow;
  send: Send;
}

/** SyncStatements wait for the end, and `rest()` returns them, unless there are many: then they are sent before. */
export class PostgresTransaction implements SyncTransaction {
  readonly source: SourceRecord | null;
  readonly isOffLimits: boolean;
  readonly #id: SessionId;
  readonly #machine: string;
  readonly #statements: SyncStatements;
  readonly #messages: PostgresMessageWriter;
  #saved: { facts: SessionFacts; source: SavedSource } | null = null;

  constructor({ id, machine, statements, state, send }: TransactionOptions) {
    this.#id = id;
    this.#machine = machine;
    this.#statements = statements;
    this.source = sourceOf(state);
    const isOthers = typeof state["machine"] === "string" && state["machine"] !== cellAs("text", machine);
    this.isOffLimits = isOthers || state["is_deleted"] === true || state["is_excluded"] === true;
    let exists = state["machine"] !== null;
    this.#messages = new PostgresMessageWriter({
      id,
      statements,
      totals: new Totals(state),
      lastOrdinal: typeof state["last_ordinal"] === "number" ? state["last_ordinal"] : null,
      send: async (messages) => {
        const first = exists ? [] : [statements.insertSession(id, machine)];
        exists = true;
        return await send([...first, ...messages]);
      },
    });
  }

  get isSaved(): boolean {
    return this.#saved !== null;
  }

  async clear(): Promise<void> {
    this.#messages.clear();
  }

  async write(entries: readonly TranscriptEntry[]): Promise<void> {
    await this.#messages.write(entries);
  }

  async save(facts: SessionFacts, source: SavedSource): Promise<void> {
    if (source.files.length === 0) throw new TypeError("a transcript has at least one file");
    this.#saved = { facts, source };
  }

  /** @returns what is left to be sent before the transaction can be committed; nothing if nothing was saved. */
  async rest(): Promise<readonly string[]> {
    if (this.#saved === null) return [];
    const { facts, source } = this.#saved;
    // What is counted is known when all messages are on their way.
    const messages = await this.#messages.rest();
    const saved = {
      machine: this.#machine,
      facts: { ...facts, startedAt: timeOf(facts.startedAt), endedAt: timeOf(facts.endedAt) },
      source,
      totals: this.#messages.totals,
    };
    const session = savedSession(this.#id, saved, new Date().toISOString());
    return [
      ...this.#statements.upsertSession(session),
      ...messages,
      ...(this.#messages.hasRetracted ? [this.#statements.recountPrompts(this.#id)] : []),
      ...this.#statements.upsertState(stateRow(this.#id, source)),
      ...this.#statements.replaceFiles(
        this.#id,
        source.files.map((file, position) => fileRow(this.#id, position, file)),
      ),
    ];
  }
}

/** @param row with `revision`, `parser_state` and the `files`. @returns null if the session was never synced. */
export function sourceOf(row: ResultRow): SourceRecord | null {
  if (typeof row["revision"] !== "number") return null;
  const files = Array.isArray(row["files"]) ? (row["files"] as ResultRow[]).map(sourceFileOf) : [];
  return { files, revision: row["revision"], parserState: String(row["parser_state"]) };
}

function stateRow(id: SessionId, { revision, parserState }: SourceRecord): CellRow {
  return { session_id: id, revision, parser_state: parserState };
}

/** A time that the column cannot hold counts as unknown. */
function timeOf(time: string | null): string | null {
  const cell = cellAs("time", time);
  return typeof cell === "string" ? cell : null;
}
