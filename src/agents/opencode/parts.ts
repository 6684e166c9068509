/** Turns the parts of a message into blocks, results and links. */

import type { Block, TranscriptEntry } from "../../session/entries.ts";
import { asName, asObject, asString } from "../shared/json.ts";
import type { Json } from "../shared/json.ts";
import type { PartRow } from "./stored-messages.ts";
import { callIdOf, toolUseOf } from "./tools.ts";

/** @returns whether a person put this part into their prompt. */
export function isTypedPart(part: Json): boolean {
  switch (part["type"]) {
    case "text":
      return part["synthetic"] !== true && part["ignored"] !== true;
    case "file":
    case "agent":
    case "subtask":
      return true;
    default:
      return false;
  }
}

export function blocksOf(parts: readonly PartRow[]): Block[] {
  return parts.flatMap((part) => blockOf(part) ?? []);
}

/** @returns results of the calls among the parts, and links to the sessions that they started. */
export function resultsOf(parts: readonly PartRow[]): TranscriptEntry[] {
  return parts.flatMap((part): TranscriptEntry[] => {
    if (part.data["type"] !== "tool") return [];
    const toolUseId = callIdOf(part);
    const result = resultOf(asObject(part.data["state"]) ?? {});
    return [
      ...(result === null ? [] : [{ kind: "tool_result" as const, toolUseId, content: result }]),
      ...(part.childId === null
        ? []
        : [{ kind: "subagent" as const, toolUseId, sessionId: `opencode:${part.childId}` }]),
    ];
  });
}

function blockOf(row: PartRow): Block | null {
  const { data: part } = row;
  switch (part["type"]) {
    case "text":
      return textBlock(asString(part["text"]));
    case "reasoning": {
      const text = asString(part["text"]);
      return text === null ? null : { type: "thinking", text };
    }
    case "tool":
      return toolUseOf(row);
    case "file":
      return textBlock(`[file: ${asName(part["filename"]) ?? asName(part["mime"]) ?? "attached"}]`);
    case "agent":
      return textBlock(`@${asName(part["name"]) ?? "agent"}`);
    case "subtask":
      return textBlock(asString(part["prompt"]) ?? asString(part["description"]));
    default:
      return null;
  }
}

function textBlock(text: string | null): Block | null {
  return text === null ? null : { type: "text", text };
}

/** @returns null until the call has ended. A command that fails is `completed` too. */
function resultOf(state: Json): string | null {
  if (state["status"] === "completed") return asString(state["output"]) ?? "";
  return state["status"] === "error" ? (asString(state["error"]) ?? "") : null;
}
