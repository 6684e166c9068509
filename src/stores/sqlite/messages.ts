/** The messages of one session, each with its tool calls. */

import type { MessageQuery } from "../../watch/ports.ts";
import type { MessageRow, SessionId } from "../../watch/session.ts";
import type { Connection } from "./connection.ts";

const MESSAGE_COLUMNS = [
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
const TOOL_CALL_COLUMNS = [
  "tool_name",
  "category",
  "tool_use_id",
  "input_json",
  "skill_name",
  "result_content_length",
  "result_content",
  "subagent_session_id",
];

/** In reading order, at most `limit` of them; none if the archive keeps no messages. */
export function readMessages(connection: Connection, id: SessionId, query: MessageQuery): MessageRow[] {
  const { direction = "asc", limit = 100 } = query;
  const from = query.from ?? (direction === "asc" ? 0 : Number.MAX_SAFE_INTEGER);
  const { messages, toolCalls } = connection.tables;
  if (!messages.has("session_id") || !messages.has("ordinal")) return [];

  const columns = MESSAGE_COLUMNS.filter((column) => messages.has(column)).join(", ");
  const [compare, order] = direction === "asc" ? [">=", "ASC"] : ["<=", "DESC"];
  const rows = connection
    .prepare(
      `SELECT ${columns} FROM messages WHERE session_id = ? AND ordinal ${compare} ? ORDER BY ordinal ${order} LIMIT ?`,
    )
    .all(id, from, limit);

  const calls = new Map<unknown, MessageRow[]>();
  if (toolCalls.has("message_id")) {
    const callColumns = TOOL_CALL_COLUMNS.filter((column) => toolCalls.has(column)).join(", ");
    const found = connection
      .prepare(
        `SELECT message_id, ${callColumns} FROM tool_calls WHERE message_id IN (SELECT value FROM json_each(?)) ORDER BY id`,
      )
      .all(JSON.stringify(rows.map((row) => row["id"])));
    for (const { message_id, ...call } of found) {
      const siblings = calls.get(message_id);
      if (siblings === undefined) calls.set(message_id, [call]);
      else siblings.push(call);
    }
  }
  return rows.map((row) => messageOf(row, calls.get(row["id"]) ?? []));
}

function messageOf(row: MessageRow, toolCalls: MessageRow[]): MessageRow {
  const message: MessageRow = { ...row, tool_calls: toolCalls };
  for (const [column, value] of Object.entries(row)) {
    // SQLite has no booleans; the columns that mean one are named so.
    if (/^(is|has)_/.test(column)) message[column] = value !== 0 && value !== null;
  }
  return message;
}
