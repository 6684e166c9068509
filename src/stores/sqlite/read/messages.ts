/** Reads the messages of one session, each with its tool calls. */

import type { MessageQuery } from "../../../watch/ports.ts";
import type { Message, SessionId } from "../../../session/session.ts";
import { shownNames } from "../../../session/column.ts";
import { MESSAGE_COLUMNS } from "../../../session/message-columns.ts";
import { TOOL_CALL_COLUMNS } from "../../../session/tool-call-columns.ts";
import { messagesOf } from "../../shared/message-rows.ts";
import type { SqliteConnection } from "../database/sqlite-connection.ts";

/** @returns at most `limit` messages in reading order; none if the archive keeps no messages. */
export function readMessages(connection: SqliteConnection, id: SessionId, query: MessageQuery): Message[] {
  const { direction = "asc", limit = 100 } = query;
  const from = query.from ?? (direction === "asc" ? 0 : Number.MAX_SAFE_INTEGER);
  const { messages, toolCalls } = connection.tables;
  if (!messages.has("session_id") || !messages.has("ordinal")) return [];

  const columns = shownNames(MESSAGE_COLUMNS)
    .filter((column) => messages.has(column))
    .join(", ");
  const [compare, order] = direction === "asc" ? [">=", "ASC"] : ["<=", "DESC"];
  const rows = connection
    .prepare(
      `SELECT ${columns} FROM messages WHERE session_id = ? AND ordinal ${compare} ? ORDER BY ordinal ${order} LIMIT ?`,
    )
    .all(id, from, limit);

  if (!toolCalls.has("message_id")) return messagesOf(rows, [], "id");
  const callColumns = shownNames(TOOL_CALL_COLUMNS)
    .filter((column) => toolCalls.has(column))
    .join(", ");
  const found = connection
    .prepare(
      `SELECT message_id, ${callColumns} FROM tool_calls
       WHERE message_id IN (SELECT value FROM json_each(?)) ORDER BY id`,
    )
    .all(JSON.stringify(rows.map((row) => row["id"])));
  const calls = found.map(({ message_id: owner, ...call }) => ({ owner, call }));
  return messagesOf(rows, calls, "id");
}
