/** Parses transcripts in JSON Lines: one loop for every agent. */

import type { SessionFacts, TranscriptEntry } from "../../session/entries.ts";
import type { Parsed, ParserState, TranscriptPlace } from "../agent.ts";
import { parseObject } from "./json.ts";
import type { Json } from "./json.ts";

/**
 * Reads the records of one agent, each a JSON object. `Memory` is what the reader keeps of earlier records; it is JSON and
 * bounded.
 */
export interface RecordReader<Memory> {
  /** The first characters of a record, used to find a whole record in a damaged line. */
  readonly beginnings: readonly string[];
  /** @returns the state before the first record. */
  start(place: TranscriptPlace): { facts: SessionFacts; memory: Memory };
  /** @param facts are updated in place. @returns the entries of the record, and the new memory. */
  read(record: Json, facts: SessionFacts, memory: Memory, place: TranscriptPlace): Reading<Memory>;
}

/** The entries of one record, and the memory after it. */
export interface Reading<Memory> {
  entries: readonly TranscriptEntry[];
  memory: Memory;
}

/** How many places in a damaged line are tried, per beginning: each try parses the rest of the line. */
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

/** Drops a session's link to itself: readers that follow parents would never end. */
function disown(facts: SessionFacts, { id }: TranscriptPlace): void {
  if (facts.parentSessionId !== id) return;
  facts.parentSessionId = null;
  facts.relationshipType = null;
}

function isAboutItself(entry: TranscriptEntry, { id }: TranscriptPlace): boolean {
  return entry.kind === "subagent" && entry.sessionId === id;
}

/** @returns null if the record is nested too deeply to be written as JSON again. */
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
 * Finds whole records in a damaged line. Two writers without a lock, or a power loss, leave a whole record after half of
 * another one, after a whole one, or after a run of NULs.
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

/** @returns offsets where a record may begin, the earliest first. */
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

/** The first character decides for almost every line. */
function isBlank(line: string): boolean {
  return !line.startsWith("{") && line.trim() === "";
}
