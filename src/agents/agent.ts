/** What sessionwatch knows of a coding agent: where its transcripts are and how to read them. */

import type { SessionId } from "../session/session.ts";
import type { SessionFacts, TranscriptEntry } from "../session/entries.ts";

/** The environment variables and the home folder, as the process has them. */
export interface Surroundings {
  env: Record<string, string | undefined>;
  home: string;
  /** Folders in which people work: the one that the program was started in, and those that the archive knows. */
  folders?: readonly string[];
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

/** What a parser needs to continue where it stopped: JSON of bounded size, however long the transcript is. */
export interface ParserState {
  facts: SessionFacts;
  /** Anything else that this agent's parser has to remember. */
  memory: unknown;
}

/** What some lines hold, and where the next ones go on. */
export interface Parsed {
  /** In the order of the transcript. */
  entries: TranscriptEntry[];
  state: ParserState;
}

/** Members that agents of every kind have. */
interface AgentIdentity {
  /** As the archive's `agent` column has it. */
  readonly name: string;
  /** Raised when its parser finds something else in the same transcript: what was synced is then read again. */
  readonly revision: number;
}

/** Append-only files of lines; one session may have several. The contract is `tests/contract/agents.ts`. */
export interface LinesAgent extends AgentIdentity {
  readonly kind: "lines";
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

/** One session, read as a whole: it replaces what the archive has of it. */
export interface WholeSession {
  id: SessionId;
  facts: SessionFacts;
  /** In the order of the conversation. */
  entries: TranscriptEntry[];
}

/** A document, and when it was written. */
export interface WrittenDocument {
  /** Absolute. */
  path: string;
  /** Its modification time (ms since the epoch). */
  writtenMs: number;
}

/** Documents that are rewritten, or appended to without a line being a record; one may hold many sessions. */
export interface DocumentAgent extends AgentIdentity {
  readonly kind: "document";
  /** Absolute paths of documents, whether they exist or not: places are asked for, never searched. */
  documents(surroundings: Surroundings): string[];
  /**
   * Pure.
   *
   * @returns every session in it.
   * @throws SyntaxError if the document is not complete: it is read once more, and then the old rows stay.
   */
  read(text: string, document: WrittenDocument): WholeSession[];
}

/** Read-only questions to an agent's database; the engine binds them to one short transaction. */
export interface Rows {
  /** @returns the columns of a table; none if there is no such table. */
  columns(table: string): ReadonlySet<string>;
  all(sql: string, ...parameters: (string | number | null)[]): Record<string, unknown>[];
}

/** A session as a database lists it. */
export interface ListedSession {
  id: SessionId;
  /** Changes with every change of the session; only compared with `===`. */
  token: string;
  /** When it was last written (ms since the epoch). */
  writtenMs: number;
  isSubagent: boolean;
}

/** A database with all sessions of a user. */
export interface DatabaseAgent extends AgentIdentity {
  readonly kind: "database";
  /** Absolute paths of database files, whether they exist or not. */
  databases(surroundings: Surroundings): string[];
  /** Pure but for the questions that it asks, as the others. @returns every session; cheap, also for a large database. */
  sessions(rows: Rows): Iterable<ListedSession>;
  /** @returns the token of one session; null if there is no such session (any more). */
  token(rows: Rows, id: SessionId): string | null;
  /** @returns null if there is no such session (any more). */
  read(rows: Rows, id: SessionId): WholeSession | null;
}

/** One coding agent. */
export type Agent = LinesAgent | DocumentAgent | DatabaseAgent;
