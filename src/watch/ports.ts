/** What the watching asks of the world; the composition root binds these. */

import type { Message, SessionId, SessionVersion, Session, SourceToken } from "../session/session.ts";

/** A reader of an archive. Every method throws WatchError `archive_unavailable` while it cannot be read. */
export interface Store {
  /**
   * A token that stays the same only while nothing in the archive has changed, so that a reader may skip
   * its query; null where the archive cannot say this cheaply.
   */
  revision(): Promise<string | null>;
  /** One batched read. Sessions that are missing or in the trash are left out. */
  states(ids: readonly SessionId[]): Promise<Map<SessionId, SessionVersion>>;
  /**
   * What has become of all sessions since `mark`, which an earlier answer gave. The answer holds everything if `mark` is
   * null, or if the archive cannot tell what has changed since.
   */
  changes(mark: Mark | null): Promise<Changes>;
  /** Calls `hint` when the archive may have changed; hints can be missed, so the poll stays the truth. */
  onHint(hint: Hint): () => void;
  list(query?: ListQuery): Promise<SessionPage>;
  get(id: SessionId): Promise<Session | null>;
  /** Ids that start with `prefix`, with or without their agent's name before the colon; the newest first. */
  idsStartingWith(prefix: string, limit: number): Promise<SessionId[]>;
  messages(id: SessionId, query?: MessageQuery): Promise<Message[]>;
  close(): Promise<void>;
}

/** @param ids which sessions have changed; null if it may be any. */
export type Hint = (ids: readonly SessionId[] | null) => void;

/** A moment in an archive's life; means something to the store that gave it alone. */
export type Mark = string;

/** What an archive says of all its sessions. */
export interface Changes {
  /** Where the next question goes on. */
  mark: Mark;
  /** Null for sessions that are missing or in the trash. */
  states: ReadonlyMap<SessionId, SessionVersion | null>;
  /** Every session is in `states`: what is not, is gone. */
  isComplete: boolean;
  /** How many sessions there are: whoever knows of more has not been told of some that are gone. Null if nobody has counted. */
  total: number | null;
  /** Every session was looked at: too much work to be asked for all the time. */
  isScan: boolean;
  /** Only those were looked at that the archive has told of, which is all of them as a rule, and no certainty. */
  isHearsay: boolean;
}

export interface ListQuery {
  project?: string;
  agent?: string;
  machine?: string;
  /** RFC 3339: only sessions that were active at this time or later. */
  activeSince?: string;
  /** @default 100 */
  limit?: number;
  /** Where an earlier page ended: its `nextCursor`. */
  cursor?: string;
}

/** Newest activity first. */
export interface SessionPage {
  sessions: Session[];
  /** Null on the last page. */
  nextCursor: string | null;
  /** Sessions that match, on all pages. */
  total: number;
}

export interface MessageQuery {
  /** First ordinal, counted in reading direction: at least this when ascending, at most this when descending. */
  from?: number;
  /** @default 100 */
  limit?: number;
  /** @default "asc" */
  direction?: "asc" | "desc";
}

/** What bringing an archive up to date has come to so far, and what is still to be done. */
export interface SyncFigures {
  /** Syncs that failed, each time that they were tried. */
  failures: number;
  /** Transcripts that are being synced, or wait for it. */
  backlog: number;
}

/** What brings an archive up to date from transcripts. */
export interface Engine {
  /** The transcript's state on disk now; null while it has none or cannot be reached. */
  sourceToken(id: SessionId): Promise<SourceToken | null>;
  /** Syncs one session; resolves once the archive holds all that is complete in its transcript. */
  sync(id: SessionId): Promise<void>;
}
