/**
 * Counts tokens by message. Codex reports the total of the thread again and again: a message has used the difference to the
 * total before it.
 */

import type { TokenUsage } from "../../session/entries.ts";
import { asCount, asObject } from "../shared/json.ts";
import type { Json } from "../shared/json.ts";

/** Numbers of tokens, as Codex counts them (`TokenUsage` in its protocol). */
export interface Tokens {
  /** What is cached is a part of it. */
  input: number;
  cached: number;
  output: number;
}

/** How far the thread's tokens are counted; JSON, and bounded: it is a part of the parser's state. */
export interface Tally {
  /** The last total; null before the first. */
  total: Tokens | null;
  /** The assistant's last message, which new counts are put on; null before the first. */
  key: string | null;
  /** Tokens counted for that message so far, or for the first one before it arrives. */
  counted: Tokens;
  /** Tokens that the last request sent; null where Codex does not say. */
  contextTokens: number | null;
}

const NONE: Tokens = { input: 0, cached: 0, output: 0 };

/** At a rollout's start. */
export const NOTHING_COUNTED: Tally = { total: null, key: null, counted: NONE, contextTokens: null };

/** A tally, and what it says of the message that it counts for. */
export interface Counted {
  tally: Tally;
  /** All that was counted for the message `tally.key`; null if there is nothing new. */
  usage: TokenUsage | null;
}

/** The assistant's next message begins. */
export function nextMessage(tally: Tally, key: string): Counted {
  if (tally.key !== null)
    return { tally: { ...tally, key, counted: NONE, contextTokens: null }, usage: null };
  const next = { ...tally, key };
  return { tally: next, usage: isNothing(tally.counted) ? null : usageOf(next) };
}

/**
 * @param info of a `token_count`; null where it only carries rate limits.
 * @param isCopied it was counted in another thread.
 * @param isContinuation the thread goes on from another one's total.
 */
export function count(
  tally: Tally,
  info: Json | null,
  { isCopied, isContinuation }: { isCopied: boolean; isContinuation: boolean },
): Counted {
  const total = tokensOf(info?.["total_token_usage"]);
  if (total === null) return { tally, usage: null };
  if (isCopied) return { tally: { ...tally, total }, usage: null };

  const request = tokensOf(info?.["last_token_usage"]);
  const last = request ?? total;
  const isNew = tally.total === null && !isContinuation;
  const before = isNew ? NONE : (tally.total ?? minus(total, last));
  // A total that drops was reset, to zero or to an earlier value: only the last response is certainly new.
  const isSetBack = total.input < before.input || total.output < before.output;
  const added = minus(total, isSetBack ? minus(total, last) : before);
  if (isNothing(added)) return { tally: { ...tally, total }, usage: null };

  const counted = plus(tally.counted, added);
  const next = { ...tally, total, counted, contextTokens: request?.input ?? null };
  return { tally: next, usage: tally.key === null ? null : usageOf(next) };
}

/** Uses the names of other archives, where the input excludes cached tokens. */
function usageOf({ counted: { input, cached, output }, contextTokens }: Tally): TokenUsage {
  const usage = {
    input_tokens: Math.max(0, input - cached),
    output_tokens: output,
    cache_read_input_tokens: cached,
  };
  return { json: JSON.stringify(usage), contextTokens, outputTokens: output };
}

function tokensOf(value: unknown): Tokens | null {
  const usage = asObject(value);
  if (usage === null) return null;
  return {
    input: asCount(usage["input_tokens"]) ?? 0,
    cached: asCount(usage["cached_input_tokens"]) ?? 0,
    output: asCount(usage["output_tokens"]) ?? 0,
  };
}

function plus(a: Tokens, b: Tokens): Tokens {
  return { input: a.input + b.input, cached: a.cached + b.cached, output: a.output + b.output };
}

function minus(a: Tokens, b: Tokens): Tokens {
  return {
    input: Math.max(0, a.input - b.input),
    cached: Math.max(0, a.cached - b.cached),
    output: Math.max(0, a.output - b.output),
  };
}

function isNothing({ input, cached, output }: Tokens): boolean {
  return input === 0 && cached === 0 && output === 0;
}
