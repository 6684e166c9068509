/** What one sync writes, inside the transaction that its archive has begun. */

import { createHash } from "node:crypto";
import type { SQLInputValue } from "node:sqlite";
import type { SourceRecord, SyncTransaction } from "../../watch/archive.ts";
import type { SessionId } from "../../watch/session.ts";
import { renderBlock } from "../../watch/transcript.ts";
import type {
  Block,
  MessageEntry,
  SessionFacts,
  ToolResultEntry,
  TranscriptEntry,
} from "../../watch/transcript.ts";
import type { Connection, Statements } from "./connection.ts";
import {
  EXTEND_MESSAGE,
  INSERT_CALL,
  INSERT_MESSAGE,
  SELECT_BY_KEY,
  SELECT_SESSION,
  SET_RESULT,
  UPSERT_SESSION,
  UPSERT_SYNC_STATE,
  USAGE_COLUMNS,
} from "./statements.ts";

/** What the archive itself counts over a session's messages. */
interface Totals {
  messages: number;
  userMessages: number;
  outputTokens: number;
  peakContext: number;
}

type Row = Record<string, unknown>;

export class SqliteSync implements SyncTransaction {
  readonly source: SourceRecord | null;
  readonly isDeleted: boolean;
  #saved = false;
  readonly #statements: Statements;
  readonly #id: SessionId;
  readonly #totals: Totals;
  #nextOrdinal: number;

  constructor(statements: Statements, id: SessionId) {
    this.#statements = statements;
    this.#id = id;
    const row = statements.prepare(SELECT_SESSION).get(id);
    this.source = sourceOf(row);
    const excluded = statements.prepare("SELECT 1 FROM excluded_sessions WHERE id = ?").get(id) !== undefined;
    this.isDeleted = excluded || (row?.["deleted_at"] ?? null) !== null;
    this.#totals = totalsOf(row);
    const last = statements
      .prepare("SELECT max(ordinal) AS ordinal FROM messages WHERE session_id = ?")
      .get(id);
    this.#nextOrdinal = typeof last?.["ordinal"] === "number" ? last["ordinal"] + 1 : 0;
  }

  get isSaved(): boolean {
    return this.#saved;
  }

  async clear(): Promise<void> {
    this.#statements.prepare("DELETE FROM messages WHERE session_id = ?").run(this.#id);
    Object.assign(this.#totals, totalsOf(undefined));
    this.#nextOrdinal = 0;
  }

  async write(entries: readonly TranscriptEntry[]): Promise<void> {
    // Messages need their session's row; the first sync saves the facts only at its end.
    this.#statements
      .prepare("INSERT OR IGNORE INTO sessions (id, created_at) VALUES (?, ?)")
      .run(this.#id, now());
    for (const entry of entries) {
      if (entry.kind === "message") this.#writeMessage(entry);
      else this.#writeResult(entry);
    }
  }

  async save(facts: SessionFacts, source: SourceRecord): Promise<void> {
    this.#statements.prepare(UPSERT_SESSION).run({
      id: this.#id,
      project: facts.project,
      agent: facts.agent,
      first_message: facts.firstMessage,
      display_name: facts.displayName,
      started_at: facts.startedAt,
      ended_at: facts.endedAt,
      created_at: facts.startedAt ?? now(),
      message_count: this.#totals.messages,
      user_message_count: this.#totals.userMessages,
      file_path: source.path,
      file_size: source.offset,
      file_mtime: source.mtimeNs,
      // SQLite's integers are signed; a file system may use all 64 bits.
      file_inode: BigInt.asIntN(64, source.inode),
      file_device: BigInt.asIntN(64, source.device),
      parent_session_id: facts.parentSessionId,
      relationship_type: facts.relationshipType ?? "",
      total_output_tokens: this.#totals.outputTokens,
      has_total_output_tokens: this.#totals.outputTokens > 0 ? 1 : 0,
      peak_context_tokens: this.#totals.peakContext,
      has_peak_context_tokens: this.#totals.peakContext > 0 ? 1 : 0,
      cwd: facts.cwd,
      git_branch: facts.gitBranch,
      source_session_id: facts.sourceSessionId,
      source_version: facts.sourceVersion,
      parser_malformed_lines: facts.malformedLines,
      source_token: source.token,
    });
    const { path, offset, fingerprint, parserState } = source;
    this.#statements.prepare(UPSERT_SYNC_STATE).run(this.#id, path, offset, fingerprint, parserState);
    this.#saved = true;
  }

  #writeMessage(entry: MessageEntry): void {
    const known =
      entry.key === null ? undefined : this.#statements.prepare(SELECT_BY_KEY).get(this.#id, entry.key);
    if (known === undefined) this.#insertMessage(entry);
    else this.#extendMessage(entry, known);
  }

  #insertMessage(entry: MessageEntry): void {
    const { content, thinking } = render(entry.blocks);
    const { lastInsertRowid } = this.#statements.prepare(INSERT_MESSAGE).run({
      session_id: this.#id,
      ordinal: this.#nextOrdinal,
      role: entry.role,
      content,
      thinking_text: thinking,
      timestamp: entry.timestamp,
      has_thinking: flag(thinking !== ""),
      has_tool_use: flag(entry.blocks.some(({ type }) => type === "tool_use")),
      content_length: content.length,
      is_system: flag(entry.isSystem),
      model: entry.model ?? "",
      ...usageColumns(entry),
      claude_message_id: entry.messageId ?? "",
      claude_request_id: entry.requestId ?? "",
      source_type: entry.sourceType,
      source_subtype: entry.sourceSubtype ?? "",
      source_uuid: entry.uuid ?? "",
      source_parent_uuid: entry.parentUuid ?? "",
      is_sidechain: flag(entry.isSidechain),
      is_compact_boundary: flag(entry.isCompactBoundary),
      merge_key: entry.key,
      block_hashes: entry.key === null ? "" : entry.blocks.map(hashOf).join(" "),
    });
    this.#insertCalls(Number(lastInsertRowid), entry.blocks);
    this.#nextOrdinal += 1;
    this.#totals.messages += 1;
    if (isTyped(entry)) this.#totals.userMessages += 1;
    this.#countUsage(entry, 0);
  }

  /** Adds the blocks that the message does not have yet: lines repeat earlier ones, and snapshots grow. */
  #extendMessage(entry: MessageEntry, known: Row): void {
    const hashes = String(known["block_hashes"]).split(" ").filter(Boolean);
    const seen = new Set(hashes);
    const added = entry.blocks.filter((block) => !seen.has(hashOf(block)));
    const { content, thinking } = render(added);
    const before = String(known["content"]);
    const after = joinText(before, content);
    const thinkingAfter = joinText(String(known["thinking_text"]), thinking);
    this.#statements.prepare(EXTEND_MESSAGE).run({
      id: Number(known["id"]),
      content: after,
      thinking_text: thinkingAfter,
      has_thinking: flag(thinkingAfter !== ""),
      has_tool_use: flag(known["has_tool_use"] === 1 || added.some(({ type }) => type === "tool_use")),
      content_length: after.length,
      block_hashes: [...hashes, ...added.map(hashOf)].join(" "),
      ...(entry.usage === null ? knownUsage(known) : usageColumns(entry)),
    });
    this.#insertCalls(Number(known["id"]), added);
    if (entry.usage !== null) this.#countUsage(entry, Number(known["output_tokens"]));
  }

  #insertCalls(messageId: number, blocks: readonly Block[]): void {
    for (const block of blocks) {
      if (block.type !== "tool_use") continue;
      const { id, name, category, input } = block;
      this.#statements.prepare(INSERT_CALL).run(messageId, this.#id, name, category, id, input);
    }
  }

  #writeResult({ toolUseId, content }: ToolResultEntry): void {
    this.#statements.prepare(SET_RESULT).run(content, content.length, this.#id, toolUseId);
  }

  #countUsage({ usage }: MessageEntry, countedBefore: number): void {
    this.#totals.outputTokens += (usage?.outputTokens ?? 0) - countedBefore;
    this.#totals.peakContext = Math.max(this.#totals.peakContext, usage?.contextTokens ?? 0);
  }
}

/** @returns how far the session's transcript has been read; null if it never was. */
export function readSource(connection: Connection, id: SessionId): SourceRecord | null {
  return sourceOf(connection.prepare(SELECT_SESSION).get(id));
}

function sourceOf(row: Row | undefined): SourceRecord | null {
  if (row === undefined || row["path"] === null) return null;
  const parserState = row["parser_state"];
  return {
    path: String(row["path"]),
    token: String(row["source_token"]),
    offset: Number(row["offset"]),
    fingerprint: String(row["fingerprint"]),
    parserState: typeof parserState === "string" ? parserState : null,
    // As text: nanoseconds do not fit into a JavaScript number.
    mtimeNs: BigInt(String(row["file_mtime"])),
    inode: BigInt.asUintN(64, BigInt(String(row["file_inode"]))),
    device: BigInt.asUintN(64, BigInt(String(row["file_device"]))),
  };
}

function totalsOf(row: Row | undefined): Totals {
  return {
    messages: Number(row?.["message_count"] ?? 0),
    userMessages: Number(row?.["user_message_count"] ?? 0),
    outputTokens: Number(row?.["total_output_tokens"] ?? 0),
    peakContext: Number(row?.["peak_context_tokens"] ?? 0),
  };
}

function render(blocks: readonly Block[]): { content: string; thinking: string } {
  const thoughts = blocks.filter((block) => block.type === "thinking").map((block) => block.text);
  return {
    content: blocks.map(renderBlock).filter(Boolean).join("\n"),
    thinking: thoughts.filter(Boolean).join("\n"),
  };
}

function joinText(before: string, after: string): string {
  return before === "" || after === "" ? before + after : `${before}\n${after}`;
}

function hashOf(block: Block): string {
  return createHash("sha256").update(JSON.stringify(block)).digest("base64url").slice(0, 12);
}

function usageColumns({ usage }: MessageEntry): Record<string, SQLInputValue> {
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

/** On a side chain the user is another agent. */
function isTyped({ role, isSystem, isSidechain }: MessageEntry): boolean {
  return role === "user" && !isSystem && !isSidechain;
}

function flag(value: boolean): 0 | 1 {
  return value ? 1 : 0;
}

function now(): string {
  return new Date().toISOString();
}
