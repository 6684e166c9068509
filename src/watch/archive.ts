/** The port of an archive that is ours to write: what the sync engine needs beyond reading. */

import type { Store } from "./ports.ts";
import type { SessionId, SourceToken } from "../session/session.ts";
import type { SessionFacts, TranscriptEntry } from "../session/entries.ts";

/** How far one file of a transcript has been read. */
export interface SourceFile {
  path: string;
  token: SourceToken;
  /** Bytes consumed, of a compressed file decompressed ones: the end of the last complete line. */
  offset: number;
  /** Of the last bytes before `offset`: if they have changed, the file was rewritten. A compressed one is always read anew. */
  fingerprint: string;
  mtimeNs: bigint;
  inode: bigint;
  device: bigint;
}

/** How far a transcript has been read, and what is needed to go on from there. */
export interface SourceRecord {
  /** In reading order; at least one. */
  files: readonly SourceFile[];
  /** Of the parser: a state means nothing to another one. */
  revision: number;
  /** JSON text. */
  parserState: string;
}

/** What is saved of a transcript. */
export interface SavedSource extends SourceRecord {
  /** Differs with each change of a session that is read as a whole; left out where the files say enough. */
  contentHash?: string;
}

/** What was synced of a transcript: enough to detect changes. */
export interface SyncedTranscript {
  files: readonly Pick<SourceFile, "path" | "token" | "offset">[];
  revision: number;
}

/** One session's sync: all of it is committed at once, or nothing. */
export interface SyncTransaction {
  /** Read inside the transaction: another process may have been faster. */
  readonly source: SourceRecord | null;
  /** The user deleted the session, or another machine syncs it: leave its transcript alone. */
  readonly isOffLimits: boolean;
  /** Forgets the session's messages, for a transcript that is read from its start again. */
  clear(): Promise<void>;
  write(entries: readonly TranscriptEntry[]): Promise<void>;
  save(facts: SessionFacts, source: SavedSource): Promise<void>;
}

/** What a sync needs of an archive. */
export interface ArchiveWriting {
  syncedTranscripts(): Promise<Map<SessionId, SyncedTranscript>>;
  source(id: SessionId): Promise<SourceRecord | null>;
  /** @returns folders in which sessions worked, the most recent first. */
  projectFolders(limit: number): Promise<string[]>;
  /** @returns the sessions whose transcripts to leave alone. @see SyncTransaction.isOffLimits */
  offLimits(ids: readonly SessionId[]): Promise<Set<SessionId>>;
  /**
   * Runs `work` in a transaction that no other writer can interleave with. It is committed if `work`
   * resolves after a `save`, else rolled back.
   *
   * @throws WatchError `archive_unavailable` when no transaction could be had or committed.
   */
  sync(id: SessionId, work: (transaction: SyncTransaction) => Promise<void>): Promise<void>;
}

export interface Archive extends Store, ArchiveWriting {}

/** @returns the token of a transcript that consists of these files, in reading order. */
export function transcriptToken(files: readonly { token: SourceToken }[]): SourceToken {
  return files.map(({ token }) => token).join("+");
}
