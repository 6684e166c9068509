/** What sessionwatch knows of a coding agent: where its transcripts are and how to read them. */

import type { SessionId } from "../session/session.ts";
import type { SessionFacts, TranscriptEntry } from "../session/entries.ts";

/** The environment variables and the home folder, as the process has them. */
export interface Surroundings {
  env: Record<string, string | undefined>;
  home: string;
}

/** What a file's place says about its session. */
export interface TranscriptPlace {
  id: SessionId;
  /** Null if there is none, or the place does not say. */
  parentId: SessionId | null;
  /** A part of another session's work, not a conversation of its own. */
  isSubagent: boolean;
  /** Where several files make up a transcript, they are read in this order; empty for the first one. */
  part: string;
  /** The file holds the lines in a compressed form; a plain file of the same part goes before it. */
  compression: "zstd" | null;
}

/** What a parser needs to go on where it stopped; JSON, and bounded whatever the transcript's length. */
export interface ParserState {
  facts: SessionFacts;
  /** Whatever else this agent's parser has to remember. */
  memory: unknown;
}

/** What some lines hold, and where the next ones go on. */
export interface Parsed {
  /** In the order of the transcript. */
  entries: TranscriptEntry[];
  state: ParserState;
}

/** One coding agent; what is asked of its parser is checked in `tests/contract/agents.ts`. */
export interface Agent {
  /** As the archive's `agent` column has it. */
  readonly name: string;
  /** Another number means that its parser makes something else of a transcript: what was synced is read anew. */
  readonly revision: number;
  /** Folders that hold transcripts, whether they exist or not. */
  roots(surroundings: Surroundings): string[];
  /** @param path relative to a root, with `/`. @returns null if the file is no transcript. */
  placeOf(path: string): TranscriptPlace | null;
  /**
   * Reads complete lines that follow those that led to `state`; pure, and never throws on what a line holds.
   *
   * @param state null at the transcript's start.
   */
  parse(lines: readonly string[], state: ParserState | null, place: TranscriptPlace): Parsed;
}
