/** Turns one record of a Claude Code transcript into messages, parts of messages and tool results. */

import { textOf } from "../../session/entries.ts";
import type {
  Block,
  MessageEntry,
  TokenUsage,
  ToolResultEntry,
  TranscriptEntry,
} from "../../session/entries.ts";
import type { TranscriptPlace } from "../agent.ts";
import { originOf } from "./links.ts";
import { asCommand, isDropped, isEditorContext, systemSubtype } from "./prompts.ts";
import { toolResultsIn, toolUseOf } from "./tools.ts";
import { asArray, asCount, asObject, asString, asTime, jsonTextOf } from "../shared/json.ts";
import type { Json } from "../shared/json.ts";
import { messageEntry } from "../shared/message.ts";

/** @returns nothing for records that are no part of the conversation. */
export function entriesOf(record: Json, place: TranscriptPlace): TranscriptEntry[] {
  switch (record["type"]) {
    case "assistant":
      return assistantEntries(record, place);
    case "user":
      return userEntries(record, place);
    case "system":
      return systemEntries(record, place);
    case "attachment":
      return queuedPromptEntries(record, place);
    default:
      return [];
  }
}

/** An answer is split over several lines, one block each; lines of parallel tools even interleave. */
function assistantEntries(record: Json, place: TranscriptPlace): TranscriptEntry[] {
  const message = asObject(record["message"]);
  if (message === null) return [];
  const messageId = asString(message["id"]);
  const model = asString(message["model"]);
  // Made by the program, not by the API: errors, notices, and the partial text of an interrupted answer.
  const isSynthetic = model === "<synthetic>";
  return [
    {
      ...entryOf(record, place, "assistant"),
      key: messageId ?? asString(record["uuid"]),
      blocks: blocksOf(message["content"]),
      model: isSynthetic ? null : model,
      // The session that a fork was copied from already counts the usage of the copied lines.
      usage: isSynthetic || originOf(record) !== null ? null : usageOf(asObject(message["usage"])),
      messageId,
      requestId: asString(record["requestId"]),
    },
  ];
}

function userEntries(record: Json, place: TranscriptPlace): TranscriptEntry[] {
  const content = asObject(record["message"])?.["content"];
  return [...resultsOf(record), ...promptEntries(record, content, record["isMeta"] === true, place)];
}

/** A message typed while the agent worked: delivered in mid-turn, without a record of type `user`. */
function queuedPromptEntries(record: Json, place: TranscriptPlace): TranscriptEntry[] {
  const attachment = asObject(record["attachment"]);
  if (attachment?.["type"] !== "queued_command") return [];
  return promptEntries(record, attachment["prompt"], attachment["isMeta"] === true, place);
}

/** @param isMeta injected instructions: the model sees them, the user does not. */
function promptEntries(
  record: Json,
  content: unknown,
  isMeta: boolean,
  place: TranscriptPlace,
): MessageEntry[] {
  const blocks = blocksOf(content).filter((block) => block.type !== "text" || !isEditorContext(block.text));
  const text = textOf(blocks);
  if (isMeta || blocks.length === 0 || isDropped(text)) return [];
  // As agentsview has it: the summary is the boundary, not the record before it.
  const isCompactBoundary = record["isCompactSummary"] === true;
  const subtype = isCompactBoundary ? "continuation" : systemSubtype(text);
  return [
    {
      ...entryOf(record, place, "user"),
      blocks: blocks.map((block) =>
        block.type === "text" ? { ...block, text: asCommand(block.text) } : block,
      ),
      isSystem: subtype !== null,
      isCompactBoundary,
      sourceSubtype: subtype,
    },
  ];
}

function systemEntries(record: Json, place: TranscriptPlace): TranscriptEntry[] {
  if (record["subtype"] !== "compact_boundary") return [];
  const text = asString(record["content"]) ?? "Conversation compacted";
  const entry = entryOf(record, place, "user");
  return [
    {
      ...entry,
      blocks: [{ type: "text", text }],
      isSystem: true,
      sourceSubtype: "compact_boundary",
    },
  ];
}

function entryOf(record: Json, place: TranscriptPlace, role: "user" | "assistant"): MessageEntry {
  const uuid = asString(record["uuid"]);
  return messageEntry(
    { role, timestamp: asTime(record["timestamp"]), sourceType: asString(record["type"]) ?? "" },
    {
      key: uuid,
      // In a subagent's own file every record is marked as side chain, although it is the main one there.
      isSidechain: record["isSidechain"] === true && !place.isSubagent,
      uuid,
      parentUuid: asString(record["parentUuid"]),
    },
  );
}

/** @param content a string, or blocks. Unknown blocks become their type in brackets, so that nothing gets lost. */
function blocksOf(content: unknown): Block[] {
  if (typeof content === "string") return textBlock(content);
  return asArray(content).flatMap((value): Block[] => {
    const block = asObject(value);
    const type = asString(block?.["type"]);
    if (block === null || type === null || type === "tool_result") return [];
    if (type === "text") return textBlock(block["text"]);
    if (type === "thinking") return [{ type: "thinking", text: asString(block["thinking"]) ?? "" }];
    if (type === "redacted_thinking") return [{ type: "thinking", text: "" }];
    if (type === "tool_use" || type === "server_tool_use") return [toolUseOf(block)];
    return [{ type: "text", text: `[${type}]` }];
  });
}

function textBlock(value: unknown): Block[] {
  const text = asString(value);
  return text === null ? [] : [{ type: "text", text }];
}

function resultsOf(record: Json): ToolResultEntry[] {
  return toolResultsIn(record).map(({ toolUseId, content }) => ({
    kind: "tool_result",
    toolUseId,
    content: textOf(blocksOf(content)),
  }));
}

function usageOf(usage: Json | null): TokenUsage | null {
  if (usage === null) return null;
  const context = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"]
    .map((key) => asCount(usage[key]))
    .filter((count) => count !== null);
  return {
    json: jsonTextOf(usage),
    contextTokens: context.length === 0 ? null : context.reduce((sum, count) => sum + count, 0),
    outputTokens: asCount(usage["output_tokens"]),
  };
}
