/** Writes the entries of a transcript as rows: messages, their tool calls, and what is said about them later. */

import type { SQLInputValue } from "node:sqlite";
import type { SessionId } from "../../watch/session.ts";
import { isTyped, renderBlock } from "../../watch/transcript.ts";
import type { MessageEntry, RetractedMessages, TokenUsage, TranscriptEntry } from "../../watch/transcript.ts";
import { Batch, newBlocks } from "./batch.ts";
import type { Draft, DraftBlock } from "./batch.ts";
import type { Statements } from "./connection.ts";
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
  USAGE_COLUMNS,
} from "./statements.ts";

/** What the archive itself counts over a session's messages. */
export interface Totals {
  messages: number;
  userMessages: number;
  outputTokens: number;
  peakContext: number;
}

type Row = Record<string, unknown>;

/** Writes the messages of one session, in the transaction that its connection has begun. */
export class MessageWriter {
  /** Of all messages, those included that were there before. */
  totals: Totals;
  readonly #statements: Statements;
  readonly #id: SessionId;
  #nextOrdinal: number;

  constructor(statements: Statements, id: SessionId, totals: Totals) {
    this.#statements = statements;
    this.#id = id;
    this.totals = totals;
    const last = ordinalIn(statements.prepare(SELECT_LAST_ORDINAL).get(id));
    this.#nextOrdinal = last === null ? 0 : last + 1;
  }

  /** Forgets all messages, for a transcript that is read from its start again. */
  clear(): void {
    for (const sql of [DELETE_CALLS, DELETE_MESSAGES]) this.#statements.prepare(sql).run(this.#id);
    this.totals = { messages: 0, userMessages: 0, outputTokens: 0, peakContext: 0 };
    this.#nextOrdinal = 0;
  }

  /** @param entries in the order of the transcript; they go on from what was written before. */
  write(entries: readonly TranscriptEntry[]): void {
    let batch = new Batch();
    for (const entry of entries) {
      if (entry.kind === "message") this.#notePeak(entry);
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

  /** Any line of a message may tell the most, also one that a later line of it corrects. */
  #notePeak({ usage }: MessageEntry): void {
    this.totals.peakContext = Math.max(this.totals.peakContext, usage?.contextTokens ?? 0);
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

  /** @returns false if there is a message with that key already. */
  #insertMessage({ entry, blocks, usage }: Draft): boolean {
    const { content, thinking } = render(blocks);
    const { changes, lastInsertRowid } = this.#statements.run(INSERT_MESSAGE, {
      session_id: this.#id,
      ordinal: this.#nextOrdinal,
      role: entry.role,
      content,
      thinking_text: thinking,
      timestamp: entry.timestamp,
      has_thinking: flag(thinking !== ""),
      has_tool_use: flag(blocks.some(isCall)),
      content_length: content.length,
      is_system: flag(entry.isSystem),
      model: entry.model ?? "",
      ...usageColumns(usage),
      claude_message_id: entry.messageId ?? "",
      claude_request_id: entry.requestId ?? "",
      source_type: entry.sourceType,
      source_subtype: entry.sourceSubtype ?? "",
      source_uuid: entry.uuid ?? "",
      source_parent_uuid: entry.parentUuid ?? "",
      is_sidechain: flag(entry.isSidechain),
      is_compact_boundary: flag(entry.isCompactBoundary),
      merge_key: entry.key,
      block_hashes: entry.key === null ? "" : blocks.map(({ hash }) => hash).join(" "),
    });
    if (Number(changes) === 0) return false;
    this.#insertCalls(Number(lastInsertRowid), blocks);
    this.#nextOrdinal += 1;
    this.totals.messages += 1;
    if (isTyped(entry)) this.totals.userMessages += 1;
    this.totals.outputTokens += usage?.outputTokens ?? 0;
    return true;
  }

  #extendMessage({ blocks, usage }: Draft, known: Row): void {
    const hashes = String(known["block_hashes"]).split(" ").filter(Boolean);
    const added = newBlocks(blocks, new Set(hashes));
    const { content, thinking } = render(added);
    const contentAfter = joinText(String(known["content"]), content);
    const thinkingAfter = joinText(String(known["thinking_text"]), thinking);
    this.#statements.run(EXTEND_MESSAGE, {
      id: Number(known["id"]),
      content: contentAfter,
      thinking_text: thinkingAfter,
      has_thinking: flag(thinkingAfter !== ""),
      has_tool_use: flag(known["has_tool_use"] === 1 || added.some(isCall)),
      content_length: contentAfter.length,
      block_hashes: [...hashes, ...added.map(({ hash }) => hash)].join(" "),
      ...(usage === null ? knownUsage(known) : usageColumns(usage)),
    });
    this.#insertCalls(Number(known["id"]), added);
    if (usage !== null)
      this.totals.outputTokens += (usage.outputTokens ?? 0) - Number(known["output_tokens"]);
  }

  #insertCalls(messageId: number, blocks: readonly DraftBlock[]): void {
    for (const { block, result, subagentSessionId } of blocks) {
      if (block.type !== "tool_use") continue;
      const { id, name, category, input, skill } = block;
      // Links are read from texts too: only calls that start subagents take one.
      const subagent = category === "Task" ? subagentSessionId : null;
      this.#statements
        .prepare(INSERT_CALL)
        .run(messageId, this.#id, name, category, id, input, skill, result, result?.length ?? null, subagent);
    }
  }

  /** @returns how many typed prompts are no part of the conversation any more. */
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
    // A prompt that is written again, as copies of history are, takes nothing back.
    if (this.#statements.prepare(SELECT_KEY).get(this.#id, uuid) !== undefined) return null;
    return ordinalIn(this.#statements.prepare(SELECT_SIBLING).get(this.#id, parentUuid));
  }
}

function render(blocks: readonly DraftBlock[]): { content: string; thinking: string } {
  const thoughts = blocks.map(({ block }) => (block.type === "thinking" ? block.text : ""));
  return {
    content: blocks
      .map(({ block }) => renderBlock(block))
      .filter(Boolean)
      .join("\n"),
    thinking: thoughts.filter(Boolean).join("\n"),
  };
}

function joinText(before: string, after: string): string {
  return before === "" || after === "" ? before + after : `${before}\n${after}`;
}

function isCall({ block }: DraftBlock): boolean {
  return block.type === "tool_use";
}

function usageColumns(usage: TokenUsage | null): Record<string, SQLInputValue> {
  return {
    token_usage: usage?.json ?? null,
    context_tokens: usage?.contextTokens ?? 0,
    output_tokens: usage?.outputTokens ?? 0,
    has_context_tokens: flag(usage?.contextTokens !== undefined && usage.contextTokens !== null),
    has_output_tokens: flag(usage?.outputTokens !== undefined && usage.outputTokens !== null),
  };
}

function knownUsage(known: Row): Record<string, SQLInputValue> {
  return Object.fromEntries(USAGE_COLUMNS.map((name) => [name, known[name] as SQLInputValue]));
}

function flag(value: boolean): 0 | 1 {
  return value ? 1 : 0;
}

function ordinalIn(row: Row | undefined): number | null {
  const ordinal = row?.["ordinal"];
  return typeof ordinal === "number" ? ordinal : null;
}

function typedAmong(rows: readonly Row[]): number {
  return rows.filter((row) => row["is_typed"] === 1).length;
}
