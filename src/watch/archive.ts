/** The port of an archive that is ours to write: what the sync engine needs beyond reading. */

import type { Store } from "./ports.ts";
import type { SessionId, SourceToken } from "./session.ts";
import type { SessionFacts, TranscriptEntry } from "./transcript.ts";

/** How far a transcript has been read, and what is needed to go on from there. */
export interface SourceRecord {
  path: string;
  token: SourceToken;
  /** Bytes consumed: the end of the last complete line. */
  offset: number;
  /** Of the last bytes before `offset`: if they have changed, the transcript was rewritten. */
  fingerprint: string;
  /** JSON text; null makes the parser start over. */
  parserState: string | null;
  mtimeNs: bigint;
  inode: bigint;
  device: bigint;
}

/** One session's sync: all of it is committed at once, or nothing. */
export interface SyncTransaction {
  /** Read inside the transaction: another process may have been faster. */
  readonly source: SourceRecord | null;
  /** The user has deleted it: its transcript is to be left alone. */
  readonly isDeleted: boolean;
  /** Forgets the session's messages, for a transcript that is read from its start again. */
  clear(): Promise<void>;
  write(entries: readonly TranscriptEntry[]): Promise<void>;
  save(facts: SessionFacts, source: SourceRecord): Promise<void>;
}

export interface Archive extends Store {
  /** What was synced, by transcript path. */
  sources(): Promise<Map<string, { id: SessionId; token: SourceToken }>>;
  source(id: SessionId): Promise<SourceRecord | null>;
  /**
   * Runs `work` in a transaction that no other writer can interleave with. It is committed if `work`
   * resolves after a `save`, else rolled back.
   *
   * @throws WatchError `archive_unavailable` when no transaction could be had or committed.
   */
  sync(id: SessionId, work: (transaction: SyncTransaction) => Promise<void>): Promise<void>;
}
