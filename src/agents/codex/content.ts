/** Content of Codex's items: a string, or blocks of text, images, and whatever else there will be. */

import { asObject, asString } from "../shared/json.ts";

/** @returns its texts; what is no text becomes its type in brackets, so that nothing vanishes. */
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

/** Of these an empty one is nothing. */
const TEXT_TYPES = new Set([
  "text",
  "input_text",
  "output_text",
  "summary_text",
  "reasoning_text",
  "refusal",
]);
