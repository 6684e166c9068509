/** What a session, a message and a call are in JSON: made from the table of columns. */

import * as v from "valibot";
import type { Column } from "../../session/column.ts";
import { MESSAGE_COLUMNS, TOOL_CALL_COLUMNS } from "../../session/message-columns.ts";
import { SESSION_COLUMNS } from "../../session/session-columns.ts";

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Booleans of sessions are 0 or 1, those of messages are booleans. */
type Booleans = "number" | "boolean";

/** The columns of a table that clients get: an archive need not have every one, nor a value in it. */
export function columnSchemas(
  columns: readonly Column[],
  booleans: Booleans,
): Record<string, v.GenericSchema> {
  const shown = columns.filter(({ isShown }) => isShown === true);
  return Object.fromEntries(shown.map((column) => [column.name, schemaOf(column, booleans)]));
}

export const sessionSchema = v.pipe(
  v.objectWithRest(
    {
      ...columnSchemas(SESSION_COLUMNS, "number"),
      id: v.pipe(v.string(), v.description("A session's id.")),
      version: v.pipe(v.string(), v.description("The session has changed if this differs.")),
      message_count: count,
    },
    v.union([v.string(), v.number(), v.boolean(), v.null()]),
  ),
  v.description("One session, in the archive's column names; an archive may have more columns, or fewer."),
);

export const toolCallSchema = v.pipe(
  v.looseObject({
    ...columnSchemas(TOOL_CALL_COLUMNS, "boolean"),
    tool_name: v.string(),
    category: v.string(),
  }),
  v.description("A call of a tool, with its result."),
);

export const messageSchema = v.pipe(
  v.looseObject({
    ...columnSchemas(MESSAGE_COLUMNS, "boolean"),
    ordinal: v.pipe(count, v.description("Its place in the session, from 0.")),
    role: v.string(),
    content: v.string(),
    tool_calls: v.array(toolCallSchema),
  }),
  v.description("One message, in the archive's column names; an archive may have more columns, or fewer."),
);

function schemaOf({ type, means }: Column, booleans: Booleans): v.GenericSchema {
  return v.optional(v.nullable(v.pipe(baseOf(type, booleans), v.description(means))));
}

function baseOf(type: Column["type"], booleans: Booleans): v.GenericSchema<string | number | boolean> {
  if (type === "text" || type === "time") return v.string();
  return type === "boolean" && booleans === "boolean" ? v.boolean() : v.number();
}
