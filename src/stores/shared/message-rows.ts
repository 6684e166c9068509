/** Makes messages of rows, the same for every store. */

import type { Column } from "../../session/column.ts";
import { MESSAGE_COLUMNS } from "../../session/message-columns.ts";
import { TOOL_CALL_COLUMNS } from "../../session/tool-call-columns.ts";
import type { Message, ToolCall } from "../../session/session.ts";

/** A row from a database driver. */
type Row = Readonly<Record<string, unknown>>;

/** A tool call, and the value that identifies its message. */
export interface OwnedCall {
  owner: unknown;
  call: Row;
}

/**
 * @param calls in their order.
 * @param key the column of messages that `owner` refers to.
 */
export function messagesOf(rows: readonly Row[], calls: readonly OwnedCall[], key: string): Message[] {
  const byOwner = Map.groupBy(calls, ({ owner }) => owner);
  return rows.map((row) => ({
    ...(wireRow(MESSAGE_COLUMNS, row) as Omit<Message, "tool_calls">),
    tool_calls: (byOwner.get(row[key]) ?? []).map(({ call }) => wireRow(TOOL_CALL_COLUMNS, call) as ToolCall),
  }));
}

/** @returns the columns of the row that clients get. SQLite stores booleans as 0 or 1. */
function wireRow(columns: readonly Column[], row: Row): object {
  const shown: Record<string, unknown> = {};
  for (const { name, type, isShown } of columns) {
    const value = row[name];
    if (isShown !== true || value === undefined) continue;
    shown[name] = type === "boolean" ? value !== 0 && value !== false && value !== null : value;
  }
  return shown;
}
