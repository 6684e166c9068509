/** What a session is, in lists and to the feed. */

import type { WireRow } from "./column.ts";
import type { MESSAGE_COLUMNS } from "./message-columns.ts";
import type { TOOL_CALL_COLUMNS } from "./tool-call-columns.ts";
import { activityColumns, titleColumns } from "./session-columns.ts";
import type { SESSION_COLUMNS } from "./session-columns.ts";

/** Known by the archive and stable: a bare UUID for Claude Code, `<agent>:<uuid>` for others. */
export type SessionId = string;

/** An opaque token of a session's state in the archive; only ever compared with `===`. */
export type Version = string;

/** An opaque token of a transcript's state on disk; only ever compared with `===`. */
export type SourceToken = string;

/** The version of a session that is not in the archive, or is in its trash. */
export const DELETED: Version = "deleted";

/** What sessions are filtered by; null where the archive has no such column. */
export interface Traits {
  project: string | null;
  agent: string | null;
  machine: string | null;
}

/** What the feed reads of a session to see whether it has changed. */
export interface SessionVersion extends Traits {
  version: Version;
  messageCount: number;
  /** The transcript's state when it was last synced; null where the archive does not say. */
  sourceToken: SourceToken | null;
}

/** One session in a list. Booleans are 0 or 1: clients know them from SQLite, which has no others. */
export type Session = WireRow<typeof SESSION_COLUMNS, number> & { id: SessionId; version: Version };

/** A call of a tool, within its message. */
export type ToolCall = WireRow<typeof TOOL_CALL_COLUMNS, boolean>;

/** One message of a session. */
export type Message = WireRow<typeof MESSAGE_COLUMNS, boolean> & { tool_calls: ToolCall[] };

/**
 * The machine of sessions in an archive that only one machine writes to. In a shared archive each machine has a name.
 */
export const LOCAL_MACHINE = "local";

/** @returns the machine if it is another one; null if it is this one, or not known. */
export function otherMachine(machine: string | null | undefined): string | null {
  return machine === undefined || machine === "" || machine === LOCAL_MACHINE ? null : machine;
}

/** @returns when the session was last active, RFC 3339 UTC; null if the archive does not say. */
export function activityOf(session: Session): string | null {
  return firstOf(session, ACTIVITY);
}

/** @returns the session's title; null if it has none. */
export function titleOf(session: Session): string | null {
  return firstOf(session, TITLE);
}

const ACTIVITY = activityColumns();
const TITLE = titleColumns();

function firstOf(session: Session, columns: readonly string[]): string | null {
  const values: Record<string, unknown> = session;
  for (const column of columns) {
    const value = values[column];
    if (typeof value === "string" && value !== "") return value;
  }
  return null;
}
