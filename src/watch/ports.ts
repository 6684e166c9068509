/** What the feed needs from outside; `app/wiring.ts` binds these. */

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
   * Reads what has changed since `mark`, which an earlier answer gave: everything if `mark` is null, or if the archive
   * cannot tell.
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

/** A point in an archive's history; only the store that gave it can read it. */
export type Mark = string;

/** An archive's answer about all its sessions. */
export interface Changes {
  /** Pass it to the next call. */
  mark: Mark;
  /** Null for sessions that are missing or in the trash. */
  states: ReadonlyMap<SessionId, SessionVersion | null>;
  /** `states` has every session: all others are gone. */
  isComplete: boolean;
  /** How many sessions the archive has; a reader that knows more has missed deletions. Null if not counted. */
  total: number | null;
  /** Every session was read: too expensive to do all the time. */
  isScan: boolean;
  /** From notifications alone; some may have been lost. */
  isFromNotifications: boolean;
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

/** How far an archive is up to date. */
export interface SyncFigures {
  /** Failed attempts to sync. */
  failures: number;
  /** Transcripts that are synced now, or wait. */
  backlog: number;
}

/** Syncs transcripts into an archive. */
export interface Engine {
  /** @returns the transcript's state on disk; null if it has none or cannot be read. */
  sourceToken(id: SessionId): Promise<SourceToken | null>;
  /** Syncs one session; resolves once the archive holds all that is complete in its transcript. */
  sync(id: SessionId): Promise<void>;
}
