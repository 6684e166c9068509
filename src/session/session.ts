/** What a session is, as an archive knows it. */

/** Known by the archive and stable: a bare UUID for Claude Code, `<agent>:<uuid>` for others. */
export type SessionId = string;

/** An opaque token of a session's state in the archive; only ever compared with `===`. */
export type Version = string;

/** An opaque token of a transcript's state on disk; only ever compared with `===`. */
export type SourceToken = string;

/** The version of a session that is not in the archive, or is in its trash. */
export const DELETED: Version = "deleted";

/** What sessions can be told apart by; null where the archive has no such column. */
export interface Traits {
  project: string | null;
  agent: string | null;
  machine: string | null;
}

/** One session as an archive holds it at this moment. */
export interface SessionState extends Traits {
  version: Version;
  messageCount: number;
  /** The transcript's state when it was last synced; null where the archive does not say. */
  sourceToken: SourceToken | null;
}

/** The machine of sessions that were written where their archive is; in a shared archive, each has a name. */
export const LOCAL_MACHINE = "local";

/** One session in a list; names are the archive's columns, null where it has none. */
export interface SessionSummary {
  id: SessionId;
  version: Version;
  message_count: number;
  [column: string]: string | number | boolean | null;
}

/** One message of a session, in the archive's column names, its tool calls within. */
export type MessageRow = Record<string, unknown>;
