/** What a store reads of a session's messages, and what is made of the rows: the same for every archive. */

import type { MessageRow } from "../../session/session.ts";

export const MESSAGE_COLUMNS = [
  "id",
  "session_id",
  "ordinal",
  "role",
  "content",
  "thinking_text",
  "timestamp",
  "has_thinking",
  "has_tool_use",
  "content_length",
  "is_system",
  "model",
  "token_usage",
  "context_tokens",
  "output_tokens",
  "source_subtype",
  "is_sidechain",
  "is_compact_boundary",
];

export const TOOL_CALL_COLUMNS = [
  "tool_name",
  "category",
  "tool_use_id",
  "input_json",
  "skill_name",
  "result_content_length",
  "result_content",
  "subagent_session_id",
];

/**
 * @param calls in their order; `owner` is what the column says that names a call's message.
 * @param key the column of a message that `owner` refers to.
 */
export function withCalls(
  messages: readonly MessageRow[],
  calls: readonly { owner: unknown; call: MessageRow }[],
  key: string,
): MessageRow[] {
  const byOwner = new Map<unknown, MessageRow[]>();
  for (const { owner, call } of calls) {
    const siblings = byOwner.get(owner);
    if (siblings === undefined) byOwner.set(owner, [call]);
    else siblings.push(call);
  }
  return messages.map((row) => messageOf(row, byOwner.get(row[key]) ?? []));
}

function messageOf(row: MessageRow, toolCalls: MessageRow[]): MessageRow {
  const message: MessageRow = { ...row, tool_calls: toolCalls };
  for (const [column, value] of Object.entries(row)) {
    // SQLite has no booleans; the columns that mean one are named so.
    if (/^(is|has)_/.test(column)) message[column] = value !== 0 && value !== false && value !== null;
  }
  return message;
}
