/** One record of a Claude Code transcript as what an archive keeps: messages, parts of messages, tool results. */

import type { Block, MessageEntry, TokenUsage, TranscriptEntry } from "../watch/transcript.ts";
import type { TranscriptPlace } from "./agent.ts";
import { originOf } from "./claude-code-links.ts";
import { asArray, asCount, asName, asObject, asString, asTime, jsonTextOf } from "./json.ts";
import type { Json } from "./json.ts";
import { subjectOf } from "./subject.ts";

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
      ...messageEntry(record, place, "assistant"),
      key: messageId ?? asString(record["uuid"]),
      blocks: blocksOf(message["content"]),
      model: isSynthetic ? null : model,
      // What a fork has copied was used, and is counted, in the session that it was copied from.
      usage: isSynthetic || originOf(record) !== null ? null : usageOf(asObject(message["usage"])),
      messageId,
      requestId: asString(record["requestId"]),
    },
  ];
}

function userEntries(record: Json, place: TranscriptPlace): TranscriptEntry[] {
  const content = asObject(record["message"])?.["content"];
  const results = resultsOf(content);
  // Injected instructions: the model sees them, the user does not.
  if (record["isMeta"] === true) return results;

  const blocks = blocksOf(content).filter((block) => block.type !== "text" || !isEditorContext(block.text));
  if (blocks.length === 0) return results;
  const text = blocks.map((block) => (block.type === "text" ? block.text : "")).join("\n");
  if (isDropped(text)) return results;

  const subtype = record["isCompactSummary"] === true ? "continuation" : systemSubtype(text);
  const message: MessageEntry = {
    ...messageEntry(record, place, "user"),
    blocks: blocks.map((block) =>
      block.type === "text" ? { ...block, text: asCommand(block.text) } : block,
    ),
    isSystem: subtype !== null,
    isCompactBoundary: record["isCompactSummary"] === true,
    sourceSubtype: subtype,
  };
  return [...results, message];
}

function systemEntries(record: Json, place: TranscriptPlace): TranscriptEntry[] {
  if (record["subtype"] !== "compact_boundary") return [];
  const text = asString(record["content"]) ?? "Conversation compacted";
  const entry = messageEntry(record, place, "user");
  return [
    {
      ...entry,
      blocks: [{ type: "text", text }],
      isSystem: true,
      isCompactBoundary: true,
      sourceSubtype: "compact_boundary",
    },
  ];
}

/** A message typed while the agent worked: delivered in mid-turn, without a record of type `user`. */
function queuedPromptEntries(record: Json, place: TranscriptPlace): TranscriptEntry[] {
  const attachment = asObject(record["attachment"]);
  if (attachment?.["type"] !== "queued_command") return [];
  const blocks = blocksOf(attachment["prompt"]);
  const text = blocks.map((block) => (block.type === "text" ? block.text : "")).join("\n");
  if (blocks.length === 0 || isDropped(text)) return [];
  const subtype = systemSubtype(text);
  return [
    { ...messageEntry(record, place, "user"), blocks, isSystem: subtype !== null, sourceSubtype: subtype },
  ];
}

function messageEntry(record: Json, place: TranscriptPlace, role: "user" | "assistant"): MessageEntry {
  const uuid = asString(record["uuid"]);
  return {
    kind: "message",
    key: uuid,
    role,
    blocks: [],
    timestamp: asTime(record["timestamp"]),
    model: null,
    usage: null,
    isSystem: false,
    isCompactBoundary: false,
    // In an agent's own file every record is on the side chain: there it is the main one.
    isSidechain: record["isSidechain"] === true && !place.isSubagent,
    sourceType: asString(record["type"]) ?? "",
    sourceSubtype: null,
    uuid,
    parentUuid: asString(record["parentUuid"]),
    messageId: null,
    requestId: null,
  };
}

/** @param content a string, or blocks; what is unknown becomes its type in brackets, so that nothing vanishes. */
function blocksOf(content: unknown): Block[] {
  if (typeof content === "string") return textBlock(content);
  return asArray(content).flatMap((value): Block[] => {
    const block = asObject(value);
    const type = asString(block?.["type"]);
    if (block === null || type === null || type === "tool_result") return [];
    if (type === "text") return textBlock(block["text"]);
    if (type === "thinking") return [{ type: "thinking", text: asString(block["thinking"]) ?? "" }];
    if (type === "redacted_thinking") return [{ type: "thinking", text: "" }];
    if (type === "tool_use" || type === "server_tool_use") return [toolUse(block)];
    return [{ type: "text", text: `[${type}]` }];
  });
}

function textBlock(value: unknown): Block[] {
  const text = asString(value);
  return text === null ? [] : [{ type: "text", text }];
}

function toolUse(block: Json): Block {
  const name = asString(block["name"]) ?? "unknown";
  const input = asObject(block["input"]) ?? {};
  return {
    type: "tool_use",
    id: asName(block["id"]) ?? "",
    name,
    category: CATEGORIES.get(name) ?? "Other",
    input: jsonTextOf(input),
    subject: subjectOf(input, SUBJECTS),
  };
}

const CATEGORIES = new Map([
  ["Read", "Read"],
  ["NotebookRead", "Read"],
  ["Edit", "Edit"],
  ["MultiEdit", "Edit"],
  ["NotebookEdit", "Edit"],
  ["Write", "Write"],
  ["Bash", "Bash"],
  ["BashOutput", "Bash"],
  ["KillShell", "Bash"],
  ["Grep", "Grep"],
  ["Glob", "Glob"],
  ["LS", "Glob"],
  ["Task", "Task"],
  ["Agent", "Task"],
  ["Skill", "Tool"],
]);

/** The first of them that a call's input has says what the call is about. */
const SUBJECTS = [
  "file_path",
  "notebook_path",
  "command",
  "pattern",
  "description",
  "query",
  "url",
  "path",
  "skill",
];

function resultsOf(content: unknown): TranscriptEntry[] {
  return asArray(content).flatMap((value): TranscriptEntry[] => {
    const block = asObject(value);
    const toolUseId = asName(block?.["tool_use_id"]);
    if (block?.["type"] !== "tool_result" || toolUseId === null) return [];
    return [{ kind: "tool_result", toolUseId, content: resultText(block["content"]) }];
  });
}

function resultText(content: unknown): string {
  if (typeof content === "string") return asString(content) ?? "";
  const parts = blocksOf(content).map((block) => (block.type === "text" ? block.text : ""));
  return parts.filter(Boolean).join("\n");
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

/** What an editor puts before the prompt; the prompt is a block of its own. */
function isEditorContext(text: string): boolean {
  return /^\s*<(system-reminder|ide_selection|ide_opened_file)>/.test(text);
}

/** Output of local commands: no model and no person said it. */
function isDropped(text: string): boolean {
  return /^\s*<local-command-(stdout|stderr)>/.test(text);
}

/** @returns null for what a person typed. */
function systemSubtype(text: string): string | null {
  return SYSTEM_TEXTS.find(([beginning]) => text.trimStart().startsWith(beginning))?.[1] ?? null;
}

const SYSTEM_TEXTS: readonly [beginning: string, subtype: string][] = [
  ["This session is being continued", "continuation"],
  ["<local-command-caveat>", "resume"],
  ["[Request interrupted", "interrupted"],
  ["<task-notification>", "task_notification"],
  ["<teammate-message", "teammate_message"],
  ["Stop hook feedback:", "stop_hook"],
];

/** `<command-name>/x</command-name>…<command-args>y</command-args>` is what the user typed as `/x y`. */
function asCommand(text: string): string {
  const name = between(text, "<command-name>", "</command-name>");
  if (name === null) return text;
  const args = between(text, "<command-args>", "</command-args>") ?? "";
  // Version 1.0.17 wrote the name without its slash.
  return `${name.startsWith("/") ? "" : "/"}${name} ${args}`.trim();
}

/** A pattern would try again and again on text that is never closed. @returns null if there are no such marks. */
function between(text: string, opening: string, closing: string): string | null {
  const at = text.indexOf(opening);
  const from = at + opening.length;
  const to = at === -1 ? -1 : text.indexOf(closing, from);
  return to === -1 ? null : text.slice(from, to).trim();
}
