/** Turns one item of a Codex conversation into messages, tool calls and results. */

import type { Block, MessageEntry, TranscriptEntry } from "../../session/entries.ts";
import { textsOf } from "./content.ts";
import { voiceOf } from "./prompts.ts";
import { resultOf, resultWithin, toolUseOf } from "./tools.ts";
import { asString } from "../shared/json.ts";
import type { Json } from "../shared/json.ts";
import { messageEntry } from "../shared/message.ts";

/** What an item does not say about itself. */
export interface ItemContext {
  /** RFC 3339 UTC. */
  timestamp: string | null;
  model: string | null;
  /** For the message, if the item is one of the assistant's. */
  key: string;
}

/** @returns nothing for items that are no part of the conversation. */
export function entriesOf(item: Json, context: ItemContext): TranscriptEntry[] {
  const type = asString(item["type"]) ?? "";
  switch (type) {
    case "message":
      return messageEntries(item, context);
    case "agent_message":
      return agentMessageEntries(item, context);
    case "reasoning":
      return reasoningEntries(item, context);
    default:
      if (type.endsWith("_call")) return callEntries(item, type, context);
      return type.endsWith("_output") ? resultOf(item) : [];
  }
}

/** @param compacted a record of this type. Its replacement history repeats earlier messages, so it is not read. */
export function boundaryEntry(compacted: Json, context: ItemContext): MessageEntry {
  const text = asString(compacted["message"]) ?? "Context compacted";
  return { ...systemEntry("compacted", [text], "compact_boundary", context), isCompactBoundary: true };
}

/** Tokens that were counted after the message with this key. */
export function usageEntry(key: string, usage: MessageEntry["usage"]): MessageEntry {
  const context = { timestamp: null, model: null, key };
  return { ...entryOf("token_count", "assistant", [], context), usage };
}

function messageEntries(item: Json, context: ItemContext): TranscriptEntry[] {
  const texts = textsOf(item["content"]);
  if (item["role"] === "user") return userEntries(texts, context);
  if (item["role"] !== "assistant" || texts.length === 0) return [];
  return [entryOf("message", "assistant", texts.map(textBlock), context)];
}

/** One message can hold typed text and text from the program: each text is judged by itself. */
function userEntries(texts: readonly string[], context: ItemContext): MessageEntry[] {
  const typed: string[] = [];
  const entries: MessageEntry[] = [];
  for (const text of texts) {
    const voice = voiceOf(text);
    if (voice.of === "person") typed.push(text);
    if (voice.of === "news") entries.push(systemEntry("message", [text], voice.subtype, context));
  }
  if (typed.length > 0) entries.push(entryOf("message", "user", typed.map(textBlock), context));
  return entries;
}

/** From another thread of the same tree of agents. */
function agentMessageEntries(item: Json, context: ItemContext): MessageEntry[] {
  const texts = textsOf(item["content"]);
  return texts.length === 0 ? [] : [systemEntry("agent_message", texts, "agent_message", context)];
}

/** Most reasoning is encrypted; some of it has a summary. */
function reasoningEntries(item: Json, context: ItemContext): MessageEntry[] {
  const summary = textsOf(item["summary"]);
  const texts = summary.length > 0 ? summary : textsOf(item["content"]);
  if (texts.length === 0) return [];
  const block: Block = { type: "thinking", text: texts.join("\n\n") };
  return [entryOf("reasoning", "assistant", [block], context)];
}

function callEntries(item: Json, type: string, context: ItemContext): TranscriptEntry[] {
  const call = toolUseOf(item, context.key);
  return [entryOf(type, "assistant", [call], context), ...resultWithin(item, context.key)];
}

function systemEntry(
  type: string,
  texts: readonly string[],
  sourceSubtype: string,
  context: ItemContext,
): MessageEntry {
  return { ...entryOf(type, "user", texts.map(textBlock), context), isSystem: true, sourceSubtype };
}

function entryOf(
  sourceType: string,
  role: "user" | "assistant",
  blocks: Block[],
  { timestamp, model, key }: ItemContext,
): MessageEntry {
  const isAssistant = role === "assistant";
  return messageEntry({ role, timestamp, sourceType }, { blocks, ...(isAssistant ? { key, model } : {}) });
}

function textBlock(text: string): Block {
  return { type: "text", text };
}
