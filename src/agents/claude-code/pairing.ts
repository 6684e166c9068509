/**
 * What is said about a tool call before the call itself: parallel tools are written without an order between them, so
 * a fast one's result can come first (seen in a recording of Claude Code 2.1.138).
 */

import type { MessageEntry, SubagentEntry, ToolResultEntry, TranscriptEntry } from "../../session/entries.ts";

type AboutCall = ToolResultEntry | SubagentEntry;

/** JSON, and bounded: it is a part of a parser's state. */
export interface Pairing {
  /** Calls that were seen, the newest last. */
  calls: readonly string[];
  /** What waits for its call, with the number of records since. */
  early: readonly Early[];
  /** Subagents that were linked to their call, the newest last: their progress names them again and again. */
  linked: readonly string[];
}

interface Early {
  entry: AboutCall;
  age: number;
}

/** At a transcript's start. */
export const NOTHING_TO_PAIR: Pairing = { calls: [], early: [], linked: [] };

/** Calls beyond these are forgotten: what is said about them is not early. */
const MAX_CALLS = 100;
/** So many subagents may run at once. */
const MAX_LINKED = 50;
/** What is early waits for so many records; the call it lacks is then not in the transcript. */
const MAX_AGE = 50;
/** So much waits at once, in number and in characters of results; the oldest is given up first. */
const MAX_EARLY = 100;
const MAX_EARLY_LENGTH = 1_000_000;

/** The entries of one record in the order in which the archive takes them, and what waits for later ones. */
export interface Paired {
  entries: readonly TranscriptEntry[];
  pairing: Pairing;
}

/**
 * @param found what one record holds.
 * @returns the same, each call followed by what was said about it before.
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

/** The list stays short while it is searched: one record can hold any number of calls. */
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
