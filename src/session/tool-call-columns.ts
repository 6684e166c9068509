/**
 * The columns of `tool_calls`. To add one, add its entry here. If a sync writes it, add its value in
 * `stores/shared/draft-rows.ts`.
 */

import type { Column } from "./column.ts";

const FIRST = { sqlite: 1, postgres: 1 } as const;

export const TOOL_CALL_COLUMNS = [
  {
    name: "tool_name",
    type: "text",
    since: FIRST,
    isShown: true,
    isEssential: true,
    isSynced: true,
    means: "The tool, as the agent calls it.",
  },
  {
    name: "category",
    type: "text",
    since: FIRST,
    isShown: true,
    isEssential: true,
    isSynced: true,
    means: "Read, Edit, Write, Bash, Grep, Glob, Task, Tool or Other.",
  },
  {
    name: "tool_use_id",
    type: "text",
    since: FIRST,
    default: "",
    isShown: true,
    isSynced: true,
    means: "The call's id.",
  },
  {
    name: "input_json",
    type: "text",
    since: FIRST,
    isShown: true,
    isSynced: true,
    means: "Its input, as JSON text of the agent.",
  },
  {
    name: "skill_name",
    type: "text",
    since: FIRST,
    isShown: true,
    isSynced: true,
    means: "The skill that it calls.",
  },
  {
    name: "result_content_length",
    type: "integer",
    since: FIRST,
    isShown: true,
    isSynced: true,
    means: "The length of the result, in UTF-16 units.",
  },
  {
    name: "result_content",
    type: "text",
    since: FIRST,
    isShown: true,
    isSynced: true,
    means: "Its result; null while there is none.",
  },
  {
    name: "subagent_session_id",
    type: "text",
    since: FIRST,
    isShown: true,
    isSynced: true,
    means: "The session that this call has started.",
  },
  // Clients do not get the columns below. Each store has its own way to name the message of a call.
  { name: "id", type: "integer", since: { sqlite: 1 }, means: "The row, in SQLite." },
  { name: "message_id", type: "integer", since: { sqlite: 1 }, means: "The row of its message, in SQLite." },
  { name: "session_id", type: "text", since: FIRST, means: "Its session." },
  {
    name: "message_ordinal",
    type: "integer",
    since: { postgres: 1 },
    means: "The place of its message, in PostgreSQL.",
  },
  {
    name: "call_index",
    type: "integer",
    since: { postgres: 1 },
    means: "Its place in its message, in PostgreSQL.",
  },
] as const satisfies readonly Column[];
