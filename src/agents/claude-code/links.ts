/** Finds links between Claude Code records: subagents, retracted messages, copied records. */

import { isTyped } from "../../session/entries.ts";
import type { RetractionEntry, SubagentEntry, TranscriptEntry } from "../../session/entries.ts";
import { toolResultsIn } from "./tools.ts";
import { asArray, asName, asObject, asString } from "../shared/json.ts";
import type { Json } from "../shared/json.ts";

/** @returns the session that a fork copied the record from; null if the record does not say. */
export function originOf(record: Json): string | null {
  return asName(asObject(record["forkedFrom"])?.["sessionId"]);
}

/** In order of trust (formats: "Subagents"); the archive takes a link only for calls that start subagents. */
export function subagentLinks(record: Json): SubagentEntry[] {
  switch (record["type"]) {
    case "user":
      return resultLinks(record);
    case "queue-operation":
      return notificationLinks(record);
    case "progress":
      return progressLinks(record);
    default:
      return [];
  }
}

/** The result of the call names its agent: in its structured form, in old versions only in its text. */
function resultLinks(record: Json): SubagentEntry[] {
  const results = toolResultsIn(record);
  const [only] = results;
  const agentId = asName(asObject(record["toolUseResult"])?.["agentId"]);
  if (only !== undefined && results.length === 1 && agentId !== null) return [link(only.toolUseId, agentId)];
  return results.flatMap(({ toolUseId, content }) => {
    const named = agentIdIn(content);
    return named === null ? [] : [link(toolUseId, named)];
  });
}

function agentIdIn(content: unknown): string | null {
  const texts =
    typeof content === "string" ? [content] : asArray(content).map((block) => asObject(block)?.["text"]);
  for (const text of texts) {
    // This check is many times faster than the pattern, and rejects almost every text.
    if (typeof text !== "string" || !text.includes("agentId: ")) continue;
    const named = asName(/^agentId: (\w+)/m.exec(text)?.[1]);
    if (named !== null) return named;
  }
  return null;
}

/** News of a background agent, put into the input queue. */
function notificationLinks(record: Json): SubagentEntry[] {
  const content = asString(record["content"]) ?? "";
  const agentId = asName(/<task-id>\s*([\w-]+)\s*<\/task-id>/.exec(content)?.[1]);
  const toolUseId = asName(/<tool-use-id>\s*([\w-]+)\s*<\/tool-use-id>/.exec(content)?.[1]);
  return agentId === null || toolUseId === null ? [] : [link(toolUseId, agentId)];
}

function progressLinks(record: Json): SubagentEntry[] {
  const data = asObject(record["data"]);
  const agentId = asName(data?.["agentId"]);
  const toolUseId = asName(record["parentToolUseID"]);
  return data?.["type"] !== "agent_progress" || agentId === null || toolUseId === null
    ? []
    : [link(toolUseId, agentId)];
}

function link(toolUseId: string, agentId: string): SubagentEntry {
  return { kind: "subagent", toolUseId, sessionId: `agent-${agentId}` };
}

/**
 * Two typed prompts with the same parent mean that the person rewound and took another way; a refusal names the messages
 * that it withdraws.
 *
 * @param entries what the record adds to the conversation.
 */
export function retractions(record: Json, entries: readonly TranscriptEntry[]): RetractionEntry[] {
  const uuids = asArray(record["retractedMessageUuids"]).flatMap((uuid) => asString(uuid) ?? []);
  if (uuids.length > 0) return [{ kind: "retraction", of: { uuids } }];
  if (record["type"] !== "user") return [];
  return entries.filter(isTyped).flatMap(({ uuid, parentUuid }) => {
    // Prompts without a parent are no siblings: old versions wrote a new root at each resume.
    if (uuid === null || parentUuid === null) return [];
    return [{ kind: "retraction", of: { siblingsOf: { uuid, parentUuid } } }];
  });
}
