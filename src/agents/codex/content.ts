/** The content of Codex's items: a string, or blocks of text, images and unknown types. */

import { asObject, asString } from "../shared/json.ts";

/** @returns the texts. Other blocks become their type in brackets, so that nothing gets lost. */
export function textsOf(content: unknown): string[] {
  if (Array.isArray(content)) return content.flatMap(textOfBlock);
  return textOfBlock(content);
}

function textOfBlock(value: unknown): string[] {
  const block = asObject(value);
  const text = asString(value) ?? asString(block?.["text"]) ?? asString(block?.["refusal"]);
  if (text !== null) return [text];
  const type = asString(block?.["type"]);
  return type === null || TEXT_TYPES.has(type) ? [] : [`[${type}]`];
}

/** An empty block of these types is left out. */
const TEXT_TYPES = new Set([
  "text",
  "input_text",
  "output_text",
  "summary_text",
  "reasoning_text",
  "refusal",
]);
