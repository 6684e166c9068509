/**
 * Puts results and links behind their tool call. Records of parallel tools have no order, so a fast tool's result can come
 * before its call (seen in a recording of Claude Code 2.1.138).
 */

import type { MessageEntry, SubagentEntry, ToolResultEntry, TranscriptEntry } from "../../session/entries.ts";

type AboutCall = ToolResultEntry | SubagentEntry;

/** JSON, and bounded: it is a part of a parser's state. */
export interface Pairing {
  /** Calls that were seen, the newest last. */
  calls: readonly string[];
  /** Entries that wait for their call, with the number of records since. */
  early: readonly Early[];
  /** Linked subagents, the newest last: their progress records repeat the link. */
  linked: readonly string[];
}

interface Early {
  entry: AboutCall;
  age: number;
}

/** At a transcript's start. */
export const NOTHING_TO_PAIR: Pairing = { calls: [], early: [], linked: [] };

/** Older calls are forgotten: their results are not early. */
const MAX_CALLS = 100;
/** How many links to subagents are remembered. */
const MAX_LINKED = 50;
/** An early entry waits for this many records; after that its call is not in the transcript. */
const MAX_AGE = 50;
/** Limits of what waits at once, in entries and in characters of results; the oldest entry is dropped first. */
const MAX_EARLY = 100;
const MAX_EARLY_LENGTH = 1_000_000;

/** The entries of one record in the order that the archive needs, and the state for the next record. */
export interface Paired {
  entries: readonly TranscriptEntry[];
  pairing: Pairing;
}

/**
 * @param found what one record holds.
 * @returns the same entries, each call followed by its early ones.
 */
export function pair(found: readonly TranscriptEntry[], before: Pairing): Paired {
  if (before.early.length === 0 && !found.some(isAboutCalls)) return { entries: found, pairing: before };
  const calls = [...before.calls];
  const linked = [...before.linked];
  let early = before.early.flatMap(({ entry, age }) => (age < MAX_AGE ? [{ entry, age: age + 1 }] : []));
  const entries: TranscriptEntry[] = [];
  for (const entry of found) {
    if (entry.kind === "subagent") {
      if (linked.includes(entry.sessionId)) continue;
      remember(linked, entry.sessionId, MAX_LINKED);
    }
    entries.push(entry);
    if ((entry.kind === "tool_result" || entry.kind === "subagent") && !calls.includes(entry.toolUseId))
      remember(early, { entry, age: 0 }, MAX_EARLY);
    for (const id of entry.kind === "message" ? callsIn(entry) : []) {
      entries.push(...early.filter(({ entry }) => entry.toolUseId === id).map(({ entry }) => entry));
      early = early.filter(({ entry }) => entry.toolUseId !== id);
      if (!calls.includes(id)) remember(calls, id, MAX_CALLS);
    }
  }
  return { entries, pairing: { calls, early: shortened(early), linked } };
}

/** Keeps the list short at each step, because one record can hold any number of calls. */
function remember<T>(list: T[], value: T, most: number): void {
  list.push(value);
  if (list.length > most) list.shift();
}

function shortened(early: readonly Early[]): readonly Early[] {
  let length = 0;
  const tooMuch = early.findLastIndex(({ entry }) => {
    length += entry.kind === "tool_result" ? entry.content.length : 0;
    return length > MAX_EARLY_LENGTH;
  });
  return early.slice(tooMuch + 1);
}

function isAboutCalls(entry: TranscriptEntry): boolean {
  if (entry.kind === "message") return entry.blocks.some(({ type }) => type === "tool_use");
  return entry.kind === "tool_result" || entry.kind === "subagent";
}

function callsIn({ blocks }: MessageEntry): string[] {
  return blocks.flatMap((block) => (block.type === "tool_use" ? [block.id] : []));
}
