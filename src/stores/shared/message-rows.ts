/** What clients get of a session's messages, made of rows: the same for every archive. */

import type { Column } from "../../session/column.ts";
import { MESSAGE_COLUMNS, TOOL_CALL_COLUMNS } from "../../session/message-columns.ts";
import type { Message, ToolCall } from "../../session/session.ts";

/** A row, as its driver gives it. */
type Row = Readonly<Record<string, unknown>>;

/** A call, and the value of the column that names its message. */
export interface OwnedCall {
  owner: unknown;
  call: Row;
}

/**
 * @param calls in their order.
 * @param key the column of a message that `owner` refers to.
 */
export function messagesOf(rows: readonly Row[], calls: readonly OwnedCall[], key: string): Message[] {
  const byOwner = Map.groupBy(calls, ({ owner }) => owner);
  return rows.map((row) => ({
    ...wireRow(MESSAGE_COLUMNS, row),
    tool_calls: (byOwner.get(row[key]) ?? []).map(({ call }): ToolCall => wireRow(TOOL_CALL_COLUMNS, call)),
  }));
}

/** @returns what the row has of the columns that clients get. SQLite has no booleans: 0 or 1 stand for them. */
function wireRow(columns: readonly Column[], row: Row): object {
  const shown: Record<string, unknown> = {};
  for (const { name, type, isShown } of columns) {
    const value = row[name];
    if (isShown !== true || value === undefined) continue;
    shown[name] = type === "boolean" ? value !== 0 && value !== false && value !== null : value;
  }
  return shown;
}
