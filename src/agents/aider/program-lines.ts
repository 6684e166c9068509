/** Reads the lines that Aider itself writes between prompts and answers. */

import type { Block, TokenUsage } from "../../session/entries.ts";
import { cut } from "../shared/json.ts";
import { inFewWords } from "../shared/subject.ts";

/** A line that reports something. */
export type Meaning =
  | { kind: "model"; model: string }
  | { kind: "version"; version: string }
  | { kind: "usage"; usage: TokenUsage }
  | { kind: "call"; call: Extract<Block, { type: "tool_use" }> };

/** @param id for a call, if the line reports one. @returns null for any other line. */
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

/** @returns the line without keys and passwords. */
export function redacted(line: string): string {
  return line.replaceAll(SECRET_OPTION, "$1***").replaceAll(SECRET_VARIABLE, "$1***").replaceAll(KEY, "***");
}

const SECRET_NAME = String.raw`[\w-]*(?:api[-_]?key|token(?!s)|secret|password)[\w-]*`;
const VALUE = String.raw`(?:(?<=")[^"]*|(?<=')[^']*|[^\s"']+)`;
/**
 * `--api-key value`, `--openai-api-key=value`, `--api-key openai=value`. Names are looked for where a word begins: from each
 * character of a long word on, the search would take the square of its length.
 */
const SECRET_OPTION = new RegExp(`(?<![\\w-])(--${SECRET_NAME}[= ]+["']?(?:\\w+=)?)${VALUE}`, "gi");
/** `--set-env NAME=value`, and `NAME=value` before a command. */
const SECRET_VARIABLE = new RegExp(`(?<![\\w-])(${SECRET_NAME}=["']?)${VALUE}`, "gi");
const KEY = /\bsk-[\w-]{8,}/g;

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
  // Longer lines are no reports, and digits without end take time.
  if (!line.startsWith("Tokens: ") || line.length > 500) return null;
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
