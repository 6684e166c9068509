/** Turns the entries of a transcript into statements for messages and their tool calls. */

import type { SessionId } from "../../../session/session.ts";
import type {
  MessageEntry,
  RetractedMessages,
  RetractionEntry,
  TranscriptEntry,
} from "../../../session/entries.ts";
import { Batch } from "../../shared/batch.ts";
import type { Draft, DraftBlock } from "../../shared/batch.ts";
import { callRows, extensionOf, knownMessage, messageRow } from "../../shared/draft-rows.ts";
import type { CellRow } from "../../shared/draft-rows.ts";
import { Totals } from "../../shared/totals.ts";
import type { ResultRow } from "../sql/statement.ts";
import { clampInteger } from "./cell.ts";
import { mergeKey } from "./merge-key.ts";
import type { SyncStatements } from "./statements.ts";

/** Up to this much text (UTF-16 units) waits for the end of the sync, so that small syncs need one round trip. */
const HELD_BACK_LENGTH = 2_000_000;

/** The most keys that are remembered; beyond it, the server is queried for the messages that entries may extend. */
const KEYS_MAX = 50_000;

/** Runs statements inside the transaction. @returns the rows of the last one. */
export type Send = (statements: readonly string[]) => Promise<readonly ResultRow[]>;

export interface MessageWriterOptions {
  id: SessionId;
  statements: SyncStatements;
  /** Of all stored messages. */
  totals: Totals;
  /** Of the last stored message; null if there is none. */
  lastOrdinal: number | null;
  send: Send;
}

/**
 * Writes the messages of one session in one transaction. SyncStatements wait until there are many, or for `rest()`.
 */
export class PostgresMessageWriter {
  /** Of all messages, also those stored before. Still counts prompts that this sync retracts. */
  totals: Totals;
  /** Whether prompts must be counted again. */
  hasRetracted = false;
  readonly #id: SessionId;
  readonly #statements: SyncStatements;
  readonly #send: Send;
  #nextOrdinal: number;
  /** Whether there may be stored messages. */
  #hasRows: boolean;
  /** The keys of all messages; null if there are too many to remember, or they were never read. */
  #keys: Set<string> | null;
  #batch = new Batch();
  #waitingLength = 0;
  /** SyncStatements that wait to be sent, in this order. */
  #ready: string[] = [];

  constructor({ id, statements, totals, lastOrdinal, send }: MessageWriterOptions) {
    this.#id = id;
    this.#statements = statements;
    this.#send = (messages) => {
      this.#hasRows = true;
      return send(messages);
    };
    this.#hasRows = lastOrdinal !== null;
    this.#keys = lastOrdinal === null ? new Set() : null;
    this.totals = totals;
    this.#nextOrdinal = lastOrdinal === null ? 0 : lastOrdinal + 1;
  }

  /** Deletes all messages, because the transcript is read from its start again. */
  clear(): void {
    this.#batch = new Batch();
    this.#waitingLength = 0;
    this.#ready = this.#hasRows ? this.#statements.deleteMessages(this.#id) : [];
    this.#keys = new Set();
    this.totals = new Totals();
    this.#nextOrdinal = 0;
  }

  /** @param entries in the order of the transcript, after those written before. */
  async write(entries: readonly TranscriptEntry[]): Promise<void> {
    for (const entry of entries) {
      if (entry.kind === "retraction") await this.#retract(entry);
      else this.#batch.add(entry.kind === "message" ? this.#stored(entry) : entry);
      this.#waitingLength += lengthOf(entry);
    }
    if (this.#waitingLength < HELD_BACK_LENGTH) return;
    this.#waitingLength = 0;
    await this.#flush();
    if (this.#ready.length > 0) await this.#send(this.#ready);
    this.#ready = [];
  }

  /** @returns the statements that still have to be sent. */
  async rest(): Promise<readonly string[]> {
    await this.#flush();
    return this.#ready;
  }

  /** As the columns can hold it, so that totals and keys agree with the archive. */
  #stored(entry: MessageEntry): MessageEntry {
    const { usage, key } = entry;
    const stored = {
      ...entry,
      key: key === null ? null : mergeKey(key),
      usage: usage && {
        json: usage.json,
        contextTokens: usage.contextTokens && clampInteger(usage.contextTokens),
        outputTokens: usage.outputTokens && clampInteger(usage.outputTokens),
      },
    };
    this.totals.notePeak(stored);
    return stored;
  }

  /** Turns the batch into statements. */
  async #flush(): Promise<void> {
    const { drafts, results, subagents } = this.#batch;
    this.#batch = new Batch();
    // A session without messages has no calls to update.
    if (this.#nextOrdinal > 0) {
      const resultRows = [...results].map(([id, content]) => ({
        tool_use_id: id,
        result_content: content,
        result_content_length: content.length,
      }));
      const links = [...subagents].map(([id, session]) => ({
        tool_use_id: id,
        subagent_session_id: session,
      }));
      this.#ready.push(...this.#statements.setResults(this.#id, resultRows));
      this.#ready.push(...this.#statements.setSubagents(this.#id, links));
    }
    const known = await this.#known(drafts);
    const [messages, extensions, calls]: [CellRow[], CellRow[], CellRow[]] = [[], [], []];
    for (const draft of drafts) {
      const row = draft.entry.key === null ? undefined : known.get(draft.entry.key);
      if (row === undefined) {
        messages.push(messageRow(draft, this.#id, this.#nextOrdinal));
        this.#addCalls(calls, draft.blocks, this.#nextOrdinal, 0);
        this.totals.noteInserted(draft);
        this.#noteKey(draft);
        this.#nextOrdinal += 1;
      } else {
        const ordinal = Number(row["ordinal"]);
        const extension = extensionOf(draft, knownMessage(row));
        extensions.push({ ordinal, ...extension.row });
        this.#addCalls(calls, extension.added, ordinal, Number(row["calls"]));
        this.totals.noteExtended(draft, Number(row["output_tokens"]));
      }
    }
    this.#ready.push(
      ...this.#statements.insertMessages(messages),
      ...this.#statements.extendMessages(this.#id, extensions),
      ...this.#statements.insertCalls(calls),
    );
  }

  /** @returns the stored messages that drafts extend, by their keys. */
  async #known(drafts: readonly Draft[]): Promise<Map<string, ResultRow>> {
    const keys = drafts
      .flatMap(({ entry: { key } }) => (key === null ? [] : [key]))
      .filter((key) => this.#keys?.has(key) ?? true);
    const known = new Map<string, ResultRow>();
    for (const query of this.#statements.selectByKeys(this.#id, keys)) {
      const rows = await this.#send([...this.#ready, query]);
      this.#ready = [];
      for (const row of rows) known.set(String(row["merge_key"]), row);
    }
    return known;
  }

  #noteKey({ entry: { key } }: Draft): void {
    if (key !== null) this.#keys?.add(key);
    if (this.#keys !== null && this.#keys.size > KEYS_MAX) this.#keys = null;
  }

  /** Pushes one by one: a message can have more calls than a function can take arguments. */
  #addCalls(calls: CellRow[], blocks: readonly DraftBlock[], ordinal: number, firstIndex: number): void {
    for (const [index, row] of callRows(blocks).entries())
      calls.push({
        session_id: this.#id,
        message_ordinal: ordinal,
        call_index: firstIndex + index,
        ...row,
      });
  }

  async #retract({ of }: RetractionEntry): Promise<void> {
    await this.#flush();
    this.#ready.push(this.#retraction(of));
    this.hasRetracted = true;
  }

  #retraction(of: RetractedMessages): string {
    if ("uuids" in of) return this.#statements.retractUuids(this.#id, of.uuids);
    if ("lastPrompts" in of) return this.#statements.retractLastPrompts(this.#id, of.lastPrompts);
    const { uuid, parentUuid } = of.siblingsOf;
    return this.#statements.retractSiblings(this.#id, mergeKey(uuid), parentUuid);
  }
}

/** @returns the approximate size (UTF-16 units) of an entry. */
function lengthOf(entry: TranscriptEntry): number {
  if (entry.kind === "tool_result") return entry.content.length + 200;
  if (entry.kind !== "message") return 200;
  return entry.blocks.reduce(
    (sum, block) => sum + (block.type === "tool_use" ? block.input.length : block.text.length) + 200,
    500,
  );
}
