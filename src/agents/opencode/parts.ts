/** The parts of a message: texts, thoughts, and calls with their results. */

import type { Block, TranscriptEntry } from "../../session/entries.ts";
import { asName, asObject, asString } from "../shared/json.ts";
import type { Json } from "../shared/json.ts";
import { toolUseOf } from "./tools.ts";

/** @returns whether a person has put this part into their prompt. */
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

export function blocksOf(parts: readonly Json[]): Block[] {
  return parts.flatMap((part) => blockOf(part) ?? []);
}

/** @returns what is said about the calls among the parts: results, and the sessions that they have started. */
export function resultsOf(parts: readonly Json[]): TranscriptEntry[] {
  return parts.flatMap((part): TranscriptEntry[] => {
    if (part["type"] !== "tool") return [];
    const state = asObject(part["state"]) ?? {};
    const { id: toolUseId } = toolUseOf(part);
    const session = asName(asObject(state["metadata"])?.["sessionId"]);
    const result = resultOf(state);
    return [
      ...(result === null ? [] : [{ kind: "tool_result" as const, toolUseId, content: result }]),
      ...(session === null
        ? []
        : [{ kind: "subagent" as const, toolUseId, sessionId: `opencode:${session}` }]),
    ];
  });
}

function blockOf(part: Json): Block | null {
  switch (part["type"]) {
    case "text":
      return textBlock(asString(part["text"]));
    case "reasoning": {
      const text = asString(part["text"]);
      return text === null ? null : { type: "thinking", text };
    }
    case "tool":
      return toolUseOf(part);
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

/** @returns null while the call has not ended. A command that fails is completed, too. */
function resultOf(state: Json): string | null {
  if (state["status"] === "completed") return asString(state["output"]) ?? "";
  return state["status"] === "error" ? (asString(state["error"]) ?? "") : null;
}
