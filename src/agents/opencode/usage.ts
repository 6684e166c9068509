/** What one model call has used. */

import type { TokenUsage } from "../../session/entries.ts";
import { asCount, asObject, jsonTextOf } from "../shared/json.ts";

/** @param value `tokens` of an assistant message; `step-finish` parts repeat them. @returns null if there are none. */
export function usageOf(value: unknown): TokenUsage | null {
  const tokens = asObject(value);
  if (tokens === null) return null;
  const cache = asObject(tokens["cache"]) ?? {};
  // `input` excludes the cache.
  const contextTokens = sumOf(tokens["input"], cache["read"], cache["write"]);
  const output = asCount(tokens["output"]);
  // Current versions keep reasoning apart; where the total is reached without it, `output` includes it.
  const isIncluded = asCount(tokens["total"]) === (contextTokens ?? 0) + (output ?? 0);
  return {
    json: jsonTextOf(tokens),
    contextTokens,
    outputTokens: isIncluded ? output : sumOf(output, tokens["reasoning"]),
  };
}

/** @returns null if none of them is a count. */
function sumOf(...values: readonly unknown[]): number | null {
  const counts = values.map(asCount).filter((count) => count !== null);
  return counts.length === 0 ? null : counts.reduce((sum, count) => sum + count, 0);
}
