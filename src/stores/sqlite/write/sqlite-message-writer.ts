/** Writes the entries of a transcript as rows: messages, tool calls, and later additions to them. */

import type { SessionId } from "../../../session/session.ts";
import type { RetractedMessages, TranscriptEntry } from "../../../session/entries.ts";
import { Batch } from "../../shared/batch.ts";
import type { Draft, DraftBlock } from "../../shared/batch.ts";
import { callRows, extensionOf, knownMessage, messageRow } from "../../shared/draft-rows.ts";
import { Totals } from "../../shared/totals.ts";
import type { PreparedStatements } from "../database/sqlite-connection.ts";
import {
  DELETE_CALLS,
  DELETE_MESSAGES,
  EXTEND_MESSAGE,
  INSERT_CALL,
  INSERT_MESSAGE,
  RETRACT_FROM,
  RETRACT_UUIDS,
  SELECT_BY_KEY,
  SELECT_KEY,
  SELECT_LAST_ORDINAL,
  SELECT_LAST_PROMPTS,
  SELECT_SIBLING,
  SET_RESULT,
  SET_SUBAGENT,
} from "./sync-statements.ts";

type Row = Record<string, unknown>;

/** Writes the messages of one session inside the transaction of its connection. */
export class SqliteMessageWriter {
  /** The totals of all messages, also of earlier syncs. */
  totals: Totals;
  readonly #statements: PreparedStatements;
  readonly #id: SessionId;
  #nextOrdinal: number;

  constructor(statements: PreparedStatements, id: SessionId, totals: Totals) {
    this.#statements = statements;
    this.#id = id;
    this.totals = totals;
    const last = ordinalIn(statements.prepare(SELECT_LAST_ORDINAL).get(id));
    this.#nextOrdinal = last === null ? 0 : last + 1;
  }

  /** Deletes all messages, for a transcript that is read again from its start. */
  clear(): void {
    for (const sql of [DELETE_CALLS, DELETE_MESSAGES]) this.#statements.prepare(sql).run(this.#id);
    this.totals = new Totals();
    this.#nextOrdinal = 0;
  }

  /** @param entries in the order of the transcript. They continue what was written before. */
  write(entries: readonly TranscriptEntry[]): void {
    let batch = new Batch();
    for (const entry of entries) {
      if (entry.kind === "message") this.totals.notePeak(entry);
      if (entry.kind !== "retraction") {
        batch.add(entry);
        continue;
      }
      this.#flush(batch);
      batch = new Batch();
      this.totals.userMessages -= this.#retract(entry.of);
    }
    this.#flush(batch);
  }

  #flush({ drafts, results, subagents }: Batch): void {
    for (const [toolUseId, content] of results)
      this.#statements.prepare(SET_RESULT).run(content, content.length, this.#id, toolUseId);
    for (const [toolUseId, sessionId] of subagents)
      this.#statements.prepare(SET_SUBAGENT).run(sessionId, this.#id, toolUseId);
    for (const draft of drafts) this.#writeMessage(draft);
  }

  #writeMessage(draft: Draft): void {
    const { key } = draft.entry;
    if (this.#insertMessage(draft) || key === null) return;
    const known = this.#statements.prepare(SELECT_BY_KEY).get(this.#id, key);
    if (known !== undefined) this.#extendMessage(draft, known);
  }

  /** @returns false if there is already a message with that key. */
  #insertMessage(draft: Draft): boolean {
    const row = messageRow(draft, this.#id, this.#nextOrdinal);
    const { changes, lastInsertRowid } = this.#statements.run(INSERT_MESSAGE, row);
    if (Number(changes) === 0) return false;
    this.#insertCalls(Number(lastInsertRowid), draft.blocks);
    this.#nextOrdinal += 1;
    this.totals.noteInserted(draft);
    return true;
  }

  #extendMessage(draft: Draft, known: Row): void {
    const id = Number(known["id"]);
    const { row, added } = extensionOf(draft, knownMessage(known));
    this.#statements.run(EXTEND_MESSAGE, { id, ...row });
    this.#insertCalls(id, added);
    this.totals.noteExtended(draft, Number(known["output_tokens"]));
  }

  #insertCalls(messageId: number, blocks: readonly DraftBlock[]): void {
    for (const row of callRows(blocks))
      this.#statements.run(INSERT_CALL, { message_id: messageId, session_id: this.#id, ...row });
  }

  /** @returns how many typed prompts it has taken out of the conversation. */
  #retract(of: RetractedMessages): number {
    if ("uuids" in of)
      return typedAmong(this.#statements.prepare(RETRACT_UUIDS).all(this.#id, JSON.stringify(of.uuids)));
    const from = "lastPrompts" in of ? this.#promptFromEnd(of.lastPrompts) : this.#siblingOf(of.siblingsOf);
    return from === null ? 0 : typedAmong(this.#statements.prepare(RETRACT_FROM).all(this.#id, from));
  }

  #promptFromEnd(count: number): number | null {
    return ordinalIn(this.#statements.prepare(SELECT_LAST_PROMPTS).get(this.#id, count));
  }

  #siblingOf({ uuid, parentUuid }: { uuid: string; parentUuid: string }): number | null {
    // Copies of history repeat prompts. A repeated prompt retracts nothing.
    if (this.#statements.prepare(SELECT_KEY).get(this.#id, uuid) !== undefined) return null;
    return ordinalIn(this.#statements.prepare(SELECT_SIBLING).get(this.#id, parentUuid));
  }
}

function ordinalIn(row: Row | undefined): number | null {
  const ordinal = row?.["ordinal"];
  return typeof ordinal === "number" ? ordinal : null;
}

function typedAmong(rows: readonly Row[]): number {
  return rows.filter((row) => row["is_typed"] === 1).length;
}
