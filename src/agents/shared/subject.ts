/** Describes a tool call in a few words. */

import { asString, cut } from "./json.ts";
import type { Json } from "./json.ts";

const LENGTH = 200;

/** @returns the first of these members of a call's input that has text, shortened; empty if none has. */
export function subjectOf(input: Json, keys: readonly string[]): string {
  return inFewWords(keys.map((key) => asString(input[key])).find((value) => value !== null) ?? "");
}

/** @returns the first line, at most 200 UTF-16 units of it. */
export function inFewWords(text: string): string {
  return cut(text.split("\n", 1)[0] ?? "", LENGTH);
}
