/** The messages of a session, in their order, and what they say. */

import type { MessageEntry, TokenUsage, TranscriptEntry } from "../../session/entries.ts";
import type { Rows } from "../agent.ts";
import { asCount, asName, asObject, jsonTextOf } from "../shared/json.ts";
import type { Json } from "../shared/json.ts";
import { blocksOf, isTypedPart, resultsOf } from "./parts.ts";
import type { SessionRow } from "./sessions.ts";
import { jsonOf, msOf, timeOf } from "./values.ts";

export interface MessageRow {
  id: string;
  data: Json;
  /** In their order. */
  parts: Json[];
  createdMs: number | null;
  /** The latest time of the message and its parts. */
  writtenMs: number | null;
  /** The person has gone back to before it: it is deleted when they go on. */
  isReverted: boolean;
}

/** Without what is large and not read: the differences that a prompt led to, attached files. */
const MESSAGE_DATA =
  "CASE WHEN json_valid(data) THEN json_remove(data, '$.summary.diffs', '$.system', '$.tools') ELSE data END";
const PART_DATA = `CASE WHEN json_valid(data) AND json_extract(data, '$.type') = 'file'
  THEN json_remove(data, '$.url', '$.source') ELSE data END`;

/** @returns none if the database has no such tables. */
export function readMessages(rows: Rows, session: SessionRow): MessageRow[] {
  const has = rows.columns("message");
  if (!has.has("session_id") || !has.has("data")) return [];
  const parts = partsOf(rows, session.id);
  const written = has.has("time_updated") ? "time_updated" : "NULL AS time_updated";
  const found = rows.all(
    `SELECT id, time_created, ${written}, ${MESSAGE_DATA} AS data FROM message WHERE session_id = ?
     ORDER BY time_created, id`,
    session.id,
  );
  let isReverted = false;
  return found.map((row) => {
    const id = String(row["id"]);
    const { revert } = session;
    const isCut = revert?.messageId === id;
    const mine = parts.get(id) ?? [];
    const partId = isCut ? (revert?.partId ?? null) : null;
    // Without a part, the message itself is hidden; with one, what stands before that part stays.
    if (isCut && partId === null) isReverted = true;
    const message: MessageRow = {
      id,
      data: jsonOf(row["data"]),
      parts: mine.filter((part) => partId === null || part.id < partId).map(({ data }) => data),
      createdMs: msOf(row["time_created"]),
      writtenMs: Math.max(msOf(row["time_updated"]) ?? 0, ...mine.map((part) => part.writtenMs ?? 0)) || null,
      isReverted,
    };
    if (isCut) isReverted = true;
    return message;
  });
}

/** One message per prompt and per call of a model, and what is said about its calls. */
export function entriesOf(message: MessageRow): TranscriptEntry[] {
  const { data } = message;
  if (data["role"] === "user") return promptOf(message);
  return data["role"] === "assistant" ? answerOf(message) : [];
}

function promptOf(message: MessageRow): TranscriptEntry[] {
  const { parts } = message;
  const isCompaction = parts.some(({ type }) => type === "compaction");
  const typed = isCompaction ? [] : parts.filter(isTypedPart);
  const added = parts.filter((part) => !typed.includes(part));
  const entries: TranscriptEntry[] = [];
  const [typedBlocks, addedBlocks] = [blocksOf(typed), blocksOf(added)];
  if (typedBlocks.length > 0) entries.push({ ...messageEntry(message, message.id), blocks: typedBlocks });
  // Contents of files and reminders come with a prompt, and no person has written them.
  if (addedBlocks.length > 0 || isCompaction)
    entries.push({
      ...messageEntry(message, `${message.id} added`),
      blocks: addedBlocks.length > 0 ? addedBlocks : [{ type: "text", text: "[compaction]" }],
      isSystem: true,
      sourceSubtype: isCompaction ? "compaction" : "synthetic",
    });
  return entries;
}

function answerOf(message: MessageRow): TranscriptEntry[] {
  const { data, parts } = message;
  const blocks = blocksOf(parts);
  // A row without parts is a message that has just begun, or a call that has failed.
  if (blocks.length === 0) return [];
  const entry: MessageEntry = {
    ...messageEntry(message, message.id),
    blocks,
    model: asName(data["modelID"]),
    usage: usageOf(asObject(data["tokens"])),
    isCompactBoundary: data["summary"] === true,
  };
  return [entry, ...resultsOf(parts)];
}

function messageEntry({ id, data, createdMs, isReverted }: MessageRow, key: string): MessageEntry {
  return {
    kind: "message",
    key,
    role: data["role"] === "assistant" ? "assistant" : "user",
    blocks: [],
    timestamp: timeOf(createdMs),
    model: null,
    usage: null,
    isSystem: false,
    isCompactBoundary: false,
    isSidechain: isReverted,
    sourceType: "message",
    sourceSubtype: asName(data["agent"]),
    uuid: id,
    parentUuid: asName(data["parentID"]),
    messageId: id,
    requestId: null,
  };
}

/** `input` excludes the cache, and `reasoning` is not in `output`. */
function usageOf(tokens: Json | null): TokenUsage | null {
  if (tokens === null) return null;
  const cache = asObject(tokens["cache"]) ?? {};
  return {
    json: jsonTextOf(tokens),
    contextTokens: sumOf(tokens["input"], cache["read"], cache["write"]),
    outputTokens: sumOf(tokens["output"], tokens["reasoning"]),
  };
}

/** @returns null if none of them is a count. */
function sumOf(...values: readonly unknown[]): number | null {
  const counts = values.map(asCount).filter((count) => count !== null);
  return counts.length === 0 ? null : counts.reduce((sum, count) => sum + count, 0);
}

function partsOf(
  rows: Rows,
  id: string,
): Map<string, { id: string; data: Json; writtenMs: number | null }[]> {
  const has = rows.columns("part");
  if (!has.has("session_id") || !has.has("message_id")) return new Map();
  const written = has.has("time_updated") ? "time_updated" : "NULL AS time_updated";
  const found = rows.all(
    `SELECT id, message_id, ${written}, ${PART_DATA} AS data FROM part WHERE session_id = ? ORDER BY message_id, id`,
    id,
  );
  return Map.groupBy(
    found.map((row) => ({
      messageId: String(row["message_id"]),
      id: String(row["id"]),
      data: jsonOf(row["data"]),
      writtenMs: msOf(row["time_updated"]),
    })),
    ({ messageId }) => messageId,
  );
}
