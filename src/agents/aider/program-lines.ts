/** What Aider itself says between prompts and answers. */

import type { Block, TokenUsage } from "../../session/entries.ts";
import { cut } from "../shared/json.ts";
import { inFewWords } from "../shared/subject.ts";

/** A line that means more than its words. */
export type Meaning =
  | { kind: "model"; model: string }
  | { kind: "version"; version: string }
  | { kind: "usage"; usage: TokenUsage }
  | { kind: "call"; call: Extract<Block, { type: "tool_use" }> };

/** @returns null for a line that is only to be read. @param id for a call, if it is one. */
export function meaningOf(line: string, id: string): Meaning | null {
  const model = /^(?:Main model|Model): (\S+)/.exec(line)?.[1];
  if (model !== undefined) return { kind: "model", model: cut(model, 200) };
  const version = /^Aider v(\S+)/.exec(line)?.[1];
  if (version !== undefined) return { kind: "version", version: cut(version, 200) };
  const edited = /^Applied edit to (.+)$/.exec(line)?.[1];
  if (edited !== undefined) return { kind: "call", call: callOf(id, "Edit", "Edit", { file_path: edited }) };
  const command = /^Running (.+)$/.exec(line)?.[1];
  if (command !== undefined) return { kind: "call", call: callOf(id, "Bash", "Bash", { command }) };
  const usage = usageOf(line);
  return usage === null ? null : { kind: "usage", usage };
}

/** What the command line may hold that nobody else is to read. */
export function redacted(line: string): string {
  return line
    .replaceAll(/(--[\w-]*(?:api-key|token|secret|password)[\w-]*[= ]+(?:[\w-]+=)?)\S+/gi, "$1***")
    .replaceAll(/\b([A-Z][A-Z0-9_]*(?:API_KEY|TOKEN|SECRET|PASSWORD)=)\S+/g, "$1***")
    .replaceAll(/\bsk-[\w-]{8,}/g, "***");
}

function callOf(
  id: string,
  name: string,
  category: string,
  input: Record<string, string>,
): Extract<Block, { type: "tool_use" }> {
  const [subject = ""] = Object.values(input);
  return {
    type: "tool_use",
    id,
    name,
    category,
    input: JSON.stringify(input),
    subject: inFewWords(subject),
    skill: null,
  };
}

/** `Tokens: 1.2k sent, 6k cache write, 225 received. Cost: …`: rounded, and of one message. */
function usageOf(line: string): TokenUsage | null {
  if (!line.startsWith("Tokens: ")) return null;
  return {
    json: JSON.stringify(line.slice("Tokens: ".length)),
    contextTokens: countBefore(line, "sent"),
    outputTokens: countBefore(line, "received"),
  };
}

function countBefore(line: string, word: string): number | null {
  const [, digits, unit] = new RegExp(`([\\d.,]+)([kM]?) ${word}\\b`).exec(line) ?? [];
  const count = Number(digits?.replaceAll(",", ""));
  if (digits === undefined || Number.isNaN(count)) return null;
  return Math.round(count * (unit === "k" ? 1000 : unit === "M" ? 1_000_000 : 1));
}
