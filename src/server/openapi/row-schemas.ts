/** The schemas of sessions, messages and tool calls in JSON, made from the tables of columns. */

import * as v from "valibot";
import type { Column } from "../../session/column.ts";
import { MESSAGE_COLUMNS } from "../../session/message-columns.ts";
import { TOOL_CALL_COLUMNS } from "../../session/tool-call-columns.ts";
import { SESSION_COLUMNS } from "../../session/session-columns.ts";
import { count, sessionId, version } from "./fields.ts";

/** Booleans of sessions are 0 or 1, those of messages are booleans. */
type Booleans = "number" | "boolean";

/** @returns the columns that clients get; an archive may lack any of them, or have no value in it. */
export function columnSchemas(
  columns: readonly Column[],
  booleans: Booleans,
): Record<string, v.GenericSchema> {
  const shown = columns.filter(({ isShown }) => isShown === true);
  return Object.fromEntries(shown.map((column) => [column.name, schemaOf(column, booleans)]));
}

export const sessionSchema = v.pipe(
  v.looseObject({
    ...columnSchemas(SESSION_COLUMNS, "number"),
    id: sessionId,
    version,
  }),
  v.description("One session, in the archive's column names; an archive may have more columns, or fewer."),
);

export const toolCallSchema = v.pipe(
  v.looseObject(columnSchemas(TOOL_CALL_COLUMNS, "boolean")),
  v.description("A call of a tool, with its result."),
);

export const messageSchema = v.pipe(
  v.looseObject({
    ...columnSchemas(MESSAGE_COLUMNS, "boolean"),
    tool_calls: v.array(toolCallSchema),
  }),
  v.description("One message, in the archive's column names; an archive may have more columns, or fewer."),
);

function schemaOf({ type, means, isEssential }: Column, booleans: Booleans): v.GenericSchema {
  if (isEssential === true) {
    const base = type === "integer" ? count : baseOf(type, booleans);
    return v.pipe(base, v.description(means));
  }
  return v.optional(v.nullable(v.pipe(baseOf(type, booleans), v.description(means))));
}

function baseOf(type: Column["type"], booleans: Booleans): v.GenericSchema<string | number | boolean> {
  if (type === "text" || type === "time") return v.string();
  return type === "boolean" && booleans === "boolean" ? v.boolean() : v.number();
}
