/** Reads the messages of a session and their parts in order, without large values that no entry needs. */

import type { Rows } from "../agent.ts";
import { asName } from "../shared/json.ts";
import type { Json } from "../shared/json.ts";
import type { SessionRow } from "./sessions.ts";
import { msOf } from "../shared/times.ts";
import { columnsOf, jsonOf } from "./values.ts";

export interface MessageRow {
  id: string;
  data: Json;
  /** In their order. */
  parts: PartRow[];
  createdMs: number | null;
  /** The latest time of the message and its parts. */
  writtenMs: number | null;
  /** The person has gone back to before it: it is deleted when they go on. */
  isReverted: boolean;
  /** It is older than its session, which is a fork: the session that it was copied from has counted its tokens. */
  isCopied: boolean;
}

export interface PartRow {
  id: string;
  messageId: string;
  data: Json;
  writtenMs: number | null;
  /** The session that a tool call has started, without the agent's name. */
  childId: string | null;
}

export interface StoredMessages {
  messages: MessageRow[];
  /** Rows whose JSON cannot be read, or is nested too deeply. */
  damaged: number;
}

/** Diffs can be megabytes. */
const MESSAGE_DATA =
  "CASE WHEN json_valid(data) THEN json_remove(data, '$.summary.diffs', '$.system', '$.tools') END AS data";
/** So can attached files; a tool's metadata repeats its output. */
const PART_DATA = `CASE WHEN json_valid(data) THEN
  json_remove(data, '$.url', '$.source', '$.state.attachments', '$.state.metadata') END AS data`;
const CHILD_ID =
  "CASE WHEN json_valid(data) THEN CAST(json_extract(data, '$.state.metadata.sessionId') AS TEXT) END AS child_id";

/** @returns none if the database has no such tables. @throws Error if OpenCode keeps the messages elsewhere. */
export function storedMessages(rows: Rows, session: SessionRow): StoredMessages {
  const has = rows.columns("message");
  if (!has.has("id") || !has.has("session_id") || !has.has("data")) return { messages: [], damaged: 0 };
  const columns = columnsOf(has, ["id"], ["time_created", "time_updated"]);
  const order = has.has("time_created") ? "message.time_created, message.id" : "message.id";
  const found = rows.all(
    `SELECT ${columns}, ${MESSAGE_DATA} FROM message WHERE session_id = ? ORDER BY ${order}`,
    session.id,
  );
  if (found.length === 0) refuseNextGeneration(rows, session);
  const { parts, damaged } = partsOf(rows, session.id);
  const messages = found.flatMap((row) => messageOf(row, parts, session) ?? []);
  hideReverted(messages, session);
  return { messages, damaged: damaged + found.length - messages.length };
}

function messageOf(
  row: Json,
  parts: ReadonlyMap<string, PartRow[]>,
  { createdMs: startedMs }: SessionRow,
): MessageRow | null {
  const id = asName(row["id"]);
  const data = jsonOf(row["data"]);
  if (id === null || data === null) return null;
  const mine = parts.get(id) ?? [];
  const createdMs = msOf(row["time_created"]);
  let writtenMs = msOf(row["time_updated"]) ?? 0;
  for (const part of mine) writtenMs = Math.max(writtenMs, part.writtenMs ?? 0);
  return {
    id,
    data,
    parts: mine,
    createdMs,
    writtenMs: writtenMs || null,
    isReverted: false,
    isCopied: createdMs !== null && startedMs !== null && createdMs < startedMs,
  };
}

/** `/undo` hides the message and all later ones; if it names a part, the parts before that stay. */
function hideReverted(messages: readonly MessageRow[], { revert }: SessionRow): void {
  const at = messages.findIndex(({ id }) => id === revert?.messageId);
  const partId = revert?.partId ?? null;
  for (const [index, message] of messages.entries()) {
    if (at === -1 || index < at) continue;
    if (index > at || partId === null) message.isReverted = true;
    else message.parts = message.parts.filter(({ id }) => id < partId);
  }
}

function partsOf(rows: Rows, sessionId: string): { parts: Map<string, PartRow[]>; damaged: number } {
  const has = rows.columns("part");
  if (!["id", "session_id", "message_id", "data"].every((column) => has.has(column)))
    return { parts: new Map(), damaged: 0 };
  const found = rows.all(
    `SELECT ${columnsOf(has, ["id", "message_id"], ["time_updated"])}, ${PART_DATA}, ${CHILD_ID}
     FROM part WHERE session_id = ? ORDER BY message_id, id`,
    sessionId,
  );
  const parts = found.flatMap((row) => partOf(row) ?? []);
  return { parts: Map.groupBy(parts, ({ messageId }) => messageId), damaged: found.length - parts.length };
}

function partOf(row: Json): PartRow | null {
  const id = asName(row["id"]);
  const messageId = asName(row["message_id"]);
  const data = jsonOf(row["data"]);
  if (id === null || messageId === null || data === null) return null;
  return { id, messageId, data, writtenMs: msOf(row["time_updated"]), childId: asName(row["child_id"]) };
}

/** Version 1.18 has empty tables for a next form of storage. Once they are used, an empty `message` means nothing. */
function refuseNextGeneration(rows: Rows, { id }: SessionRow): void {
  if (!rows.columns("session_message").has("session_id")) return;
  const [row] = rows.all("SELECT 1 AS found FROM session_message WHERE session_id = ? LIMIT 1", id);
  if (row === undefined) return;
  throw new Error(`Cannot read OpenCode session "${id}": its messages are in the table "session_message"`);
}
