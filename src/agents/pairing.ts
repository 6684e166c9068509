/**
 * Tool results that stand before their call: parallel tools are written without an order between them, so a
 * fast one's result can come first (seen in a recording of Claude Code 2.1.138).
 */

import type { ToolResultEntry, TranscriptEntry } from "../watch/transcript.ts";

/** JSON, and bounded: it is a part of a parser's state. */
export interface Pairing {
  /** Calls that wait for their result, the oldest first. */
  calls: readonly string[];
  /** Results that wait for their call, with the number of records since. */
  results: readonly { entry: ToolResultEntry; age: number }[];
}

export const NOTHING_TO_PAIR: Pairing = { calls: [], results: [] };

/** Calls beyond these are forgotten: most of those were interrupted and never get a result. */
const MAX_CALLS = 100;
/** A result waits for so many records; the call it lacks is then not in the transcript. */
const MAX_AGE = 50;

export interface Paired {
  entries: readonly TranscriptEntry[];
  pairing: Pairing;
}

/**
 * @param found what one record holds.
 * @returns the same, each call that has its result already followed by it.
 */
export function pair(found: readonly TranscriptEntry[], before: Pairing): Paired {
  if (before.results.length === 0 && found.length === 0) return { entries: found, pairing: before };
  let calls = [...before.calls];
  let results = before.results.flatMap(({ entry, age }) => (age < MAX_AGE ? [{ entry, age: age + 1 }] : []));
  const entries: TranscriptEntry[] = [];
  for (const entry of found) {
    entries.push(entry);
    if (entry.kind === "tool_result") {
      const isAwaited = calls.includes(entry.toolUseId);
      if (isAwaited) calls = calls.filter((id) => id !== entry.toolUseId);
      else results.push({ entry, age: 0 });
      continue;
    }
    for (const block of entry.blocks) {
      if (block.type !== "tool_use") continue;
      const early = results.filter((result) => result.entry.toolUseId === block.id);
      entries.push(...early.map((result) => result.entry));
      results = results.filter((result) => result.entry.toolUseId !== block.id);
      if (early.length === 0 && !calls.includes(block.id)) calls.push(block.id);
    }
  }
  return { entries, pairing: { calls: calls.slice(-MAX_CALLS), results } };
}
