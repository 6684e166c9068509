/** Recorded transcripts of an agent: a fixture folder has the layout of a home. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { AGENTS } from "../../src/agents/registry.ts";
import type { LinesAgent, Parsed, ParserState, TranscriptPlace } from "../../src/agents/agent.ts";

/** Agents whose transcripts are lines. */
export const LINES_AGENTS = AGENTS.filter((agent) => agent.kind === "lines");

/** One folder for each agent, called like it. */
export const FIXTURES = join(import.meta.dir, "../fixtures");

export interface RecordedFile {
  /** Relative to the home. */
  path: string;
  /** Relative to the agent's folder in it. */
  pathInRoot: string;
  place: TranscriptPlace;
  bytes: Buffer;
  /** As a parser is given them. */
  lines: string[];
}

/** The files of one session, in reading order. */
export interface Recording {
  id: string;
  files: RecordedFile[];
}

/** @param home in whose layout they lie. */
export function recordingsOf(agent: LinesAgent, home: string = join(FIXTURES, agent.name)): Recording[] {
  const files = agent.roots({ env: {}, home }).flatMap((root) => filesIn(agent, home, root));
  return [...Map.groupBy(files, ({ place }) => place.id)].map(([id, files]) => ({
    id,
    files: files.sort((a, b) => (a.place.part < b.place.part ? -1 : 1)),
  }));
}

/** @returns the lines of all of them. */
export function linesIn(recordings: readonly Recording[]): string[] {
  return recordings.flatMap(({ files }) => files.flatMap(({ lines }) => lines));
}

/** One of them; a counterexample names it and does not show all that is in it. */
export function recordedIn(recordings: readonly Recording[]): fc.Arbitrary<Recording> {
  const named = recordings.map((recording) =>
    Object.assign(recording, { [fc.toStringMethod]: () => recording.id }),
  );
  return fc.constantFrom(...named);
}

/** @returns what the parser makes of the whole recording at once. */
export function parseAll(agent: LinesAgent, { files }: Recording): Parsed {
  return parseInTurn(
    agent,
    files.map(({ lines, place }) => ({ lines, place })),
  );
}

/** Lines that are handed to a parser at once. */
export interface Portion {
  lines: readonly string[];
  place: TranscriptPlace;
}

/** @param between what happens to the state from one portion to the next. */
export function parseInTurn(
  agent: LinesAgent,
  portions: readonly Portion[],
  between: (state: ParserState) => ParserState = (state) => state,
): Parsed {
  const entries: Parsed["entries"] = [];
  let state: ParserState | null = null;
  for (const { lines, place } of portions) {
    const parsed: Parsed = agent.parse(lines, state === null ? null : between(state), place);
    for (const entry of parsed.entries) entries.push(entry);
    ({ state } = parsed);
  }
  if (state === null) throw new Error("a transcript has at least one file");
  return { entries, state };
}

function filesIn(agent: LinesAgent, home: string, root: string): RecordedFile[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const path = join(entry.parentPath, entry.name);
    const pathInRoot = relative(root, path);
    const place = entry.isFile() ? agent.placeOf(pathInRoot) : null;
    if (place === null) return [];
    const bytes = readFileSync(path);
    const text = (place.compression === "zstd" ? zstdDecompressSync(bytes) : bytes).toString("utf8");
    const lines = text.replace(/\n$/, "").split("\n");
    return [{ path: relative(home, path), pathInRoot, place, bytes, lines }];
  });
}
