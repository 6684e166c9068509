/**
 * What is said about a tool call before the call itself: parallel tools are written without an order between them, so
 * a fast one's result can come first (seen in a recording of Claude Code 2.1.138).
 */

import type { MessageEntry, SubagentEntry, ToolResultEntry, TranscriptEntry } from "../watch/transcript.ts";

type AboutCall = ToolResultEntry | SubagentEntry;

/** JSON, and bounded: it is a part of a parser's state. */
export interface Pairing {
  /** Calls that were seen, the newest last. */
  calls: readonly string[];
  /** What waits for its call, with the number of records since. */
  early: readonly { entry: AboutCall; age: number }[];
  /** Subagents that were linked to their call, the newest last: their progress names them again and again. */
  linked: readonly string[];
}

export const NOTHING_TO_PAIR: Pairing = { calls: [], early: [], linked: [] };

/** Calls beyond these are forgotten: what is said about them is not early. */
const MAX_CALLS = 100;
/** So many subagents may run at once. */
const MAX_LINKED = 50;
/** What is early waits for so many records; the call it lacks is then not in the transcript. */
const MAX_AGE = 50;

export interface Paired {
  entries: readonly TranscriptEntry[];
  pairing: Pairing;
}

/**
 * @param found what one record holds.
 * @returns the same, each call followed by what was said about it before.
 */
export function pair(found: readonly TranscriptEntry[], before: Pairing): Paired {
  if (before.early.length === 0 && found.length === 0) return { entries: found, pairing: before };
  const calls = [...before.calls];
  const linked = [...before.linked];
  let early = before.early.flatMap(({ entry, age }) => (age < MAX_AGE ? [{ entry, age: age + 1 }] : []));
  const entries: TranscriptEntry[] = [];
  for (const entry of found) {
    if (entry.kind === "subagent") {
      if (linked.includes(entry.sessionId)) continue;
      linked.push(entry.sessionId);
    }
    entries.push(entry);
    if ((entry.kind === "tool_result" || entry.kind === "subagent") && !calls.includes(entry.toolUseId))
      early.push({ entry, age: 0 });
    for (const id of entry.kind === "message" ? callsIn(entry) : []) {
      entries.push(...early.filter(({ entry }) => entry.toolUseId === id).map(({ entry }) => entry));
      early = early.filter(({ entry }) => entry.toolUseId !== id);
      if (!calls.includes(id)) calls.push(id);
    }
  }
  return { entries, pairing: { calls: calls.slice(-MAX_CALLS), early, linked: linked.slice(-MAX_LINKED) } };
}

function callsIn({ blocks }: MessageEntry): string[] {
  return blocks.flatMap((block) => (block.type === "tool_use" ? [block.id] : []));
}
