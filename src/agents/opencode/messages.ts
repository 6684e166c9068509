/** Turns messages of a session into entries. */

import type { MessageEntry, TranscriptEntry } from "../../session/entries.ts";
import { asName } from "../shared/json.ts";
import { messageEntry } from "../shared/message.ts";
import { blocksOf, isTypedPart, resultsOf } from "./parts.ts";
import type { MessageRow } from "./stored-messages.ts";
import { usageOf } from "./usage.ts";
import { timeOf } from "../shared/times.ts";

/** @returns one message per prompt or model call, then results and links of its tool calls. */
export function entriesOf(message: MessageRow): TranscriptEntry[] {
  const { data } = message;
  if (data["role"] === "user") return promptOf(message);
  return data["role"] === "assistant" ? answerOf(message) : [];
}

function promptOf(message: MessageRow): TranscriptEntry[] {
  const { parts } = message;
  const isCompaction = parts.some(({ data }) => data["type"] === "compaction");
  const typed = isCompaction ? [] : parts.filter(({ data }) => isTypedPart(data));
  const added = isCompaction ? parts : parts.filter(({ data }) => !isTypedPart(data));
  const entries: TranscriptEntry[] = [];
  const [typedBlocks, addedBlocks] = [blocksOf(typed), blocksOf(added)];
  if (typedBlocks.length > 0) entries.push({ ...entryOf(message, message.id), blocks: typedBlocks });
  // File contents and reminders come with a prompt, but no person typed them.
  if (addedBlocks.length > 0 || isCompaction)
    entries.push({
      ...entryOf(message, `${message.id} added`),
      blocks: addedBlocks.length > 0 ? addedBlocks : [{ type: "text", text: "[compaction]" }],
      isSystem: true,
      sourceSubtype: isCompaction ? "compaction" : "synthetic",
    });
  return entries;
}

function answerOf(message: MessageRow): TranscriptEntry[] {
  const { data, parts, isCopied } = message;
  const blocks = blocksOf(parts);
  // A message without parts has just begun, or its model call failed.
  if (blocks.length === 0) return [];
  const entry: MessageEntry = {
    ...entryOf(message, message.id),
    blocks,
    model: asName(data["modelID"]),
    usage: isCopied ? null : usageOf(data["tokens"]),
    isCompactBoundary: data["summary"] === true,
  };
  return [entry, ...resultsOf(parts)];
}

function entryOf({ id, data, createdMs, isReverted }: MessageRow, key: string): MessageEntry {
  const role = data["role"] === "assistant" ? "assistant" : "user";
  return messageEntry(
    { role, timestamp: timeOf(createdMs), sourceType: "message" },
    {
      key,
      isSidechain: isReverted,
      sourceSubtype: asName(data["agent"]),
      uuid: id,
      parentUuid: asName(data["parentID"]),
      messageId: id,
    },
  );
}
