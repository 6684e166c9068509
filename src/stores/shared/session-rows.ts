/** What a store reads of a session, and what is made of the row: the same for every archive. */

import { createHash } from "node:crypto";
import type { SessionState, SessionSummary, Version } from "../../session/session.ts";

/** Whatever changes a session changes one of these (formats: "Version inputs"); read as text, under `versionName`. */
const VERSION_COLUMNS = [
  "message_count",
  "file_mtime",
  "file_hash",
  "local_modified_at",
  "transcript_revision",
  "termination_status",
  "deleted_at",
  // In PostgreSQL, bumped by each push.
  "updated_at",
  // Not of the session itself, but of where it belongs: those who follow a project's are told.
  "project",
];

/** What a list shows. Not the file's mtime and inode: they exceed what JSON readers can hold. */
const SUMMARY_COLUMNS = [
  "project",
  "machine",
  "agent",
  "first_message",
  "display_name",
  "title",
  "started_at",
  "ended_at",
  "created_at",
  "message_count",
  "user_message_count",
  "parent_session_id",
  "relationship_type",
  "total_output_tokens",
  "peak_context_tokens",
  "cwd",
  "git_branch",
  "file_path",
  "termination_status",
  "outcome",
  "parser_malformed_lines",
  "is_automated",
];

const TRAIT_COLUMNS = ["project", "agent", "machine"];

/** When a session was last active: the first of these that is known. */
const ACTIVITY_COLUMNS = ["ended_at", "started_at", "created_at"];

export type Row = Record<string, unknown>;

/** Which of the columns that matter an archive has, in an order that is the same for every reader. */
export interface SessionColumns {
  version: readonly string[];
  summary: readonly string[];
  traits: readonly string[];
  activity: readonly string[];
}

/** @param has the columns of the archive's `sessions`. */
export function sessionColumns(has: { has(column: string): boolean }): SessionColumns {
  const those = (columns: readonly string[]): string[] => columns.filter((column) => has.has(column));
  return {
    version: those(VERSION_COLUMNS),
    summary: those(SUMMARY_COLUMNS),
    traits: those(TRAIT_COLUMNS),
    activity: those(ACTIVITY_COLUMNS),
  };
}

/** @returns what a column that is read for the version is called in the row. */
export function versionName(column: string): string {
  return `version_${column}`;
}

/** @param row has `id`, `source_token`, the traits, and the version's columns. */
export function stateOf(columns: SessionColumns, row: Row): SessionState {
  return {
    version: versionOf(columns, row),
    messageCount: messageCountOf(row),
    sourceToken: textOrNull(row["source_token"]),
    project: textOrNull(row["project"]),
    agent: textOrNull(row["agent"]),
    machine: textOrNull(row["machine"]),
  };
}

/** @param row has `id`, the summary's columns, and the version's. */
export function summaryOf(columns: SessionColumns, row: Row): SessionSummary {
  const summary: SessionSummary = {
    id: String(row["id"]),
    version: versionOf(columns, row),
    message_count: messageCountOf(row),
  };
  for (const column of SUMMARY_COLUMNS) {
    const value = row[column];
    if (value === null || typeof value === "string" || typeof value === "number") summary[column] = value;
    // Readers know these from SQLite, which has no booleans.
    else if (typeof value === "boolean") summary[column] = Number(value);
  }
  return summary;
}

/** A digest, so that a version fits into an SSE `id:` whatever the archive holds, and survives restarts. */
function versionOf({ version }: SessionColumns, row: Row): Version {
  const inputs = version.map((column) => row[versionName(column)]);
  return createHash("sha256").update(JSON.stringify(inputs)).digest("base64url").slice(0, 16);
}

function messageCountOf(row: Row): number {
  return Number(row[versionName("message_count")]);
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
