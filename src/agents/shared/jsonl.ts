/** Parses transcripts that are written as JSON Lines: the same loop for every agent, whatever its records say. */

import type { SessionFacts, TranscriptEntry } from "../../session/entries.ts";
import type { Parsed, ParserState, TranscriptPlace } from "../agent.ts";
import { parseObject } from "./json.ts";
import type { Json } from "./json.ts";

/**
 * What an agent's parser knows of its records, each of them one JSON object. `Memory` is what must be known of earlier
 * ones: JSON, and bounded.
 */
export interface RecordReader<Memory> {
  /** How a record begins: where a whole one may be found in a damaged line. */
  readonly beginnings: readonly string[];
  /** @returns what is known before the first record. */
  start(place: TranscriptPlace): { facts: SessionFacts; memory: Memory };
  /** @param facts to be brought up to date; whatever else must be remembered is returned. */
  read(record: Json, facts: SessionFacts, memory: Memory, place: TranscriptPlace): Reading<Memory>;
}

/** What one record holds, and what is to be remembered of it. */
export interface Reading<Memory> {
  entries: readonly TranscriptEntry[];
  memory: Memory;
}

/** How many places in a damaged line are tried, per beginning: each costs another look at the rest of it. */
const MAX_TRIES = 4;

/** @param state null at the transcript's start, else what this function returned with the same reader. */
export function parseJsonLines<Memory>(
  reader: RecordReader<Memory>,
  lines: readonly string[],
  state: ParserState | null,
  place: TranscriptPlace,
): Parsed {
  const before = state === null ? reader.start(place) : { ...state, memory: state.memory as Memory };
  const facts = { ...before.facts };
  let { memory } = before;
  disown(facts, place);
  const entries: TranscriptEntry[] = [];
  for (const line of lines) {
    if (isBlank(line)) continue;
    const whole = parseObject(line);
    const { records, isDamaged } =
      whole === null ? salvage(line, reader.beginnings) : { records: [whole], isDamaged: false };
    if (isDamaged) facts.malformedLines += 1;
    for (const record of records) {
      const reading = attempt(reader, record, facts, memory, place);
      if (reading === null) {
        facts.malformedLines += 1;
        continue;
      }
      for (const entry of reading.entries) if (!isAboutItself(entry, place)) entries.push(entry);
      memory = reading.memory;
      disown(facts, place);
    }
  }
  return { entries, state: { facts, memory } };
}

/** Who goes from session to session must arrive somewhere: none is its own parent, or its own subagent. */
function disown(facts: SessionFacts, { id }: TranscriptPlace): void {
  if (facts.parentSessionId !== id) return;
  facts.parentSessionId = null;
  facts.relationshipType = null;
}

function isAboutItself(entry: TranscriptEntry, { id }: TranscriptPlace): boolean {
  return entry.kind === "subagent" && entry.sessionId === id;
}

/** @returns null for a record that is nested too deeply to be written as JSON again. */
function attempt<Memory>(
  reader: RecordReader<Memory>,
  record: Json,
  facts: SessionFacts,
  memory: Memory,
  place: TranscriptPlace,
): Reading<Memory> | null {
  try {
    return reader.read(record, facts, memory, place);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/**
 * Two writers without a lock, or a power loss, put a whole record behind half of another, behind a whole one, or behind
 * a run of NULs.
 */
function salvage(line: string, beginnings: readonly string[]): { records: Json[]; isDamaged: boolean } {
  for (const at of candidates(line, beginnings)) {
    const last = parseObject(line.slice(at));
    if (last === null) continue;
    const first = parseObject(line.slice(0, at));
    return first === null
      ? { records: [last], isDamaged: true }
      : { records: [first, last], isDamaged: false };
  }
  return { records: [], isDamaged: true };
}

/** @returns places inside the line where a record may begin, the earliest first. */
function candidates(line: string, beginnings: readonly string[]): number[] {
  const places: number[] = [];
  for (const beginning of beginnings) {
    let at = line.lastIndexOf(beginning);
    for (let tries = 0; at > 0 && tries < MAX_TRIES; tries += 1) {
      places.push(at);
      at = line.lastIndexOf(beginning, at - 1);
    }
  }
  return places.sort((a, b) => a - b);
}

/** Lines of nothing but white space; a look at the first character settles almost every line. */
function isBlank(line: string): boolean {
  return !line.startsWith("{") && line.trim() === "";
}
