/** Reads the messages of one session with their tool calls. */

import type { MessageQuery } from "../../../watch/ports.ts";
import type { Message, SessionId } from "../../../session/session.ts";
import { shownNames } from "../../../session/column.ts";
import { MESSAGE_COLUMNS } from "../../../session/message-columns.ts";
import { TOOL_CALL_COLUMNS } from "../../../session/tool-call-columns.ts";
import { messagesOf } from "../../shared/message-rows.ts";
import type { ResultRow, Run } from "../sql/statement.ts";
import { quoted } from "../sql/quoting.ts";
import type { Columns, IntrospectedTables } from "./introspection.ts";
import { asValue, shortTime } from "./values-as-text.ts";

/** How long (ms) a query for messages may take: they can be many megabytes. */
const DEADLINE_MS = 10_000;
/** Ordinals are integers of 32 bits. */
const ORDINAL_MAX = 2_147_483_647;

/** @returns at most `limit` messages in reading order; none if the archive has no messages table. */
export async function readMessages(
  run: Run,
  tables: IntrospectedTables,
  id: SessionId,
  query: MessageQuery,
): Promise<Message[]> {
  const { schema, messages, toolCalls } = tables;
  const { direction = "asc", limit = 100 } = query;
  const from = Math.min(query.from ?? (direction === "asc" ? 0 : ORDINAL_MAX), ORDINAL_MAX);
  if (!messages.has("session_id") || !messages.has("ordinal") || !tables.canHold(id)) return [];

  const [compare, order] = direction === "asc" ? [">=", "ASC"] : ["<=", "DESC"];
  const found = await run(
    `SELECT ${columnsOf(shownNames(MESSAGE_COLUMNS), messages)} FROM ${quoted(schema)}.messages
     WHERE session_id = $1 AND ordinal ${compare} $2::int ORDER BY ordinal ${order} LIMIT $3::int`,
    [id, from, limit],
    DEADLINE_MS,
  );
  const rows = found.map(withShortTime);
  const [first, last] = direction === "asc" ? [rows[0], rows.at(-1)] : [rows.at(-1), rows[0]];
  if (first === undefined || last === undefined || !toolCalls.has("message_ordinal"))
    return messagesOf(rows, [], "ordinal");
  const calls = await run(
    `SELECT message_ordinal, ${columnsOf(shownNames(TOOL_CALL_COLUMNS), toolCalls)} FROM ${quoted(schema)}.tool_calls
     WHERE session_id = $1 AND message_ordinal BETWEEN $2::int AND $3::int
     ORDER BY message_ordinal${toolCalls.has("call_index") ? ", call_index" : ""}`,
    [id, Number(first["ordinal"]), Number(last["ordinal"])],
    DEADLINE_MS,
  );
  const owned = calls.map(({ message_ordinal: owner, ...call }) => ({ owner, call }));
  return messagesOf(rows, owned, "ordinal");
}

function columnsOf(wanted: readonly string[], types: Columns): string {
  return wanted
    .filter((column) => types.has(column))
    .map((column) => `${asValue(column, types.get(column) ?? "")} AS ${column}`)
    .join(", ");
}

function withShortTime(row: ResultRow): ResultRow {
  const { timestamp } = row;
  return typeof timestamp === "string" ? { ...row, timestamp: shortTime(timestamp) } : row;
}
