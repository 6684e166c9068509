/** Makes the session's row of a sync, the same for every store. */

import { transcriptToken } from "../../watch/archive.ts";
import type { SavedSource } from "../../watch/archive.ts";
import type { SessionId } from "../../session/session.ts";
import type { SessionFacts } from "../../session/entries.ts";
import type { SyncedName } from "../../session/column.ts";
import type { SESSION_COLUMNS } from "../../session/session-columns.ts";
import type { Cell } from "./draft-rows.ts";
import { signed } from "./source-rows.ts";
import type { Totals } from "./totals.ts";

/** All columns of a session that a sync writes. */
type SessionCells = Record<SyncedName<typeof SESSION_COLUMNS>, Cell>;

/** What a sync knows of a session. */
export interface Saved {
  machine: string;
  facts: SessionFacts;
  source: SavedSource;
  totals: Totals;
}

/** @param now RFC 3339 UTC: the creation time of a session whose records have no times. */
export function savedSession(
  id: SessionId,
  { machine, facts, source, totals }: Saved,
  now: string,
): SessionCells {
  // The first file begins the transcript, the last one is written to.
  const [first] = source.files;
  const last = source.files.at(-1);
  if (first === undefined || last === undefined) throw new TypeError("a transcript has at least one file");
  return {
    id,
    machine,
    project: facts.project,
    agent: facts.agent,
    first_message: facts.firstMessage,
    display_name: facts.displayName,
    started_at: facts.startedAt,
    ended_at: facts.endedAt,
    created_at: facts.startedAt ?? now,
    message_count: totals.messages,
    user_message_count: totals.userMessages,
    file_path: first.path,
    file_size: source.files.reduce((sum, { offset }) => sum + offset, 0),
    file_mtime: last.mtimeNs,
    file_inode: signed(last.inode),
    file_device: signed(last.device),
    file_hash: source.contentHash ?? null,
    parent_session_id: facts.parentSessionId,
    relationship_type: facts.relationshipType ?? "",
    total_output_tokens: totals.outputTokens,
    has_total_output_tokens: totals.outputTokens > 0,
    peak_context_tokens: totals.peakContext,
    has_peak_context_tokens: totals.peakContext > 0,
    cwd: facts.cwd,
    git_branch: facts.gitBranch,
    source_session_id: facts.sourceSessionId,
    source_version: facts.sourceVersion,
    parser_malformed_lines: facts.malformedLines,
    is_automated: facts.isAutomated,
    title: facts.title,
    source_token: transcriptToken(source.files),
  };
}

/**
 * @returns SQL for a column's new value in a row that exists; `sessions` has the old values, `excluded` the new ones.
 */
export function mergedColumn(name: string): string {
  // A session stays with the machine that has synced it first.
  if (name === "machine") return "sessions.machine";
  // A session whose records have no times keeps the time when it was first seen.
  if (name === "created_at") return "COALESCE(excluded.started_at, sessions.created_at)";
  return `excluded.${name}`;
}
