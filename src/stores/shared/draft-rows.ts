/** Makes rows of drafts, the same for every store. */

import { namesOf } from "../../session/column.ts";
import type { SyncedName } from "../../session/column.ts";
import { MESSAGE_COLUMNS } from "../../session/message-columns.ts";
import type { MessageColumn } from "../../session/message-columns.ts";
import type { TOOL_CALL_COLUMNS } from "../../session/tool-call-columns.ts";
import { renderBlock } from "../../session/entries.ts";
import type { TokenUsage } from "../../session/entries.ts";
import { newBlocks } from "./batch.ts";
import type { Draft, DraftBlock } from "./batch.ts";

/** A value of a column. */
export type Cell = string | number | bigint | boolean | null;
export type CellRow = Record<string, Cell>;

/** All columns of a message that a sync writes. */
type MessageCells = Record<SyncedName<typeof MESSAGE_COLUMNS>, Cell>;
/** All columns of a tool call that a sync writes, except those that name its message. */
type CallCells = Record<SyncedName<typeof TOOL_CALL_COLUMNS>, Cell>;
type UsageCells = Pick<MessageCells, UsageName>;
type UsageName = Extract<(typeof MESSAGE_COLUMNS)[number], { isUsage: true }>["name"];
type GrowthCells = Pick<MessageCells, Extract<(typeof MESSAGE_COLUMNS)[number], { growth: string }>["name"]>;

/** What a message has used. These columns are written together. */
export const USAGE_COLUMNS = namesOf<MessageColumn>(MESSAGE_COLUMNS, ({ isUsage }) => isUsage === true);

/** What an extension needs to know of the message that it extends. */
export interface KnownMessage {
  block_hashes: string;
  /** UTF-16 units. */
  content_length: number;
  has_thinking: boolean;
  has_tool_use: boolean;
  /** As the archive has it. */
  usage: UsageCells;
}

export interface Extension {
  /** The columns that grow. Of a column that is appended to, only what to append. */
  row: GrowthCells;
  added: DraftBlock[];
}

/** @returns a row of `messages`. */
export function messageRow({ entry, blocks, usage }: Draft, id: string, ordinal: number): MessageCells {
  const { content, thinking } = render(blocks);
  return {
    session_id: id,
    ordinal,
    role: entry.role,
    content,
    thinking_text: thinking,
    timestamp: entry.timestamp,
    has_thinking: thinking !== "",
    has_tool_use: blocks.some(isCall),
    content_length: content.length,
    is_system: entry.isSystem,
    model: entry.model ?? "",
    ...usageRow(usage),
    claude_message_id: entry.messageId ?? "",
    claude_request_id: entry.requestId ?? "",
    source_type: entry.sourceType,
    source_subtype: entry.sourceSubtype ?? "",
    source_uuid: entry.uuid ?? "",
    source_parent_uuid: entry.parentUuid ?? "",
    is_sidechain: entry.isSidechain,
    is_compact_boundary: entry.isCompactBoundary,
    merge_key: entry.key,
    block_hashes: entry.key === null ? "" : hashesOf(blocks),
  };
}

/** @param row of `messages`. Its booleans may be 0 or 1. */
export function knownMessage(row: Record<string, unknown>): KnownMessage {
  return {
    block_hashes: String(row["block_hashes"]),
    content_length: Number(row["content_length"]),
    has_thinking: Boolean(row["has_thinking"]),
    has_tool_use: Boolean(row["has_tool_use"]),
    usage: Object.fromEntries(USAGE_COLUMNS.map((name) => [name, row[name] as Cell])) as UsageCells,
  };
}

/** @returns what a draft adds to the message with its key. Blocks that the message already has are left out. */
export function extensionOf({ blocks, usage }: Draft, known: KnownMessage): Extension {
  const hashes = known.block_hashes.split(" ").filter(Boolean);
  const added = newBlocks(blocks, new Set(hashes));
  const { content, thinking } = render(added);
  const appended = content === "" || known.content_length === 0 ? content : `\n${content}`;
  const row = {
    content: appended,
    thinking_text: thinking === "" || !known.has_thinking ? thinking : `\n${thinking}`,
    has_thinking: known.has_thinking || thinking !== "",
    has_tool_use: known.has_tool_use || added.some(isCall),
    content_length: known.content_length + appended.length,
    block_hashes: added.length === 0 ? known.block_hashes : [...hashes, hashesOf(added)].join(" "),
    ...(usage === null ? known.usage : usageRow(usage)),
  };
  return { row, added };
}

/** @returns rows of `tool_calls`, without the columns that name their message. */
export function callRows(blocks: readonly DraftBlock[]): CallCells[] {
  const rows: CallCells[] = [];
  for (const { block, result, subagentSessionId } of blocks) {
    if (block.type !== "tool_use") continue;
    rows.push({
      tool_name: block.name,
      category: block.category,
      tool_use_id: block.id,
      input_json: block.input,
      skill_name: block.skill,
      result_content: result,
      result_content_length: result?.length ?? null,
      // Links are read from texts as well, so only calls that start subagents take one.
      subagent_session_id: block.category === "Task" ? subagentSessionId : null,
    });
  }
  return rows;
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

function hashesOf(blocks: readonly DraftBlock[]): string {
  return blocks.map(({ hash }) => hash).join(" ");
}

function isCall({ block }: DraftBlock): boolean {
  return block.type === "tool_use";
}

function usageRow(usage: TokenUsage | null): UsageCells {
  return {
    token_usage: usage?.json ?? null,
    context_tokens: usage?.contextTokens ?? 0,
    output_tokens: usage?.outputTokens ?? 0,
    has_context_tokens: usage?.contextTokens !== undefined && usage.contextTokens !== null,
    has_output_tokens: usage?.outputTokens !== undefined && usage.outputTokens !== null,
  };
}
