/** The columns of `sessions`. To add one, add its entry here, and its value in `stores/shared/saved-session.ts`. */

import type { Column } from "./column.ts";
import { namesOf } from "./column.ts";

export interface SessionColumn extends Column {
  /** A session's version is made of these, in this order: whatever changes a session changes one of them. */
  readonly versionInput?: number;
  /** Subscribers and lists choose by it. */
  readonly isTrait?: true;
  /** When the session was last active: the first of these that is known. */
  readonly activity?: number;
  /** What the session is called: the first of these that says something. */
  readonly title?: number;
}

const FIRST = { sqlite: 1, postgres: 1 } as const;
const SECOND = { sqlite: 2, postgres: 1 } as const;

export const SESSION_COLUMNS = [
  { name: "id", type: "text", since: FIRST, isSynced: true, means: "The session's id." },
  {
    name: "project",
    type: "text",
    since: FIRST,
    default: "",
    isShown: true,
    isSynced: true,
    isTrait: true,
    // Clients that follow a project learn that a session has moved.
    versionInput: 9,
    means: "The project that it belongs to.",
  },
  {
    name: "machine",
    type: "text",
    since: FIRST,
    default: "local",
    isShown: true,
    isSynced: true,
    isTrait: true,
    means: "The machine that it was synced on; local where the archive has no other.",
  },
  {
    name: "agent",
    type: "text",
    since: FIRST,
    default: "",
    isShown: true,
    isSynced: true,
    isTrait: true,
    means: "Such as claude or codex.",
  },
  {
    name: "first_message",
    type: "text",
    since: FIRST,
    isShown: true,
    isSynced: true,
    title: 3,
    means: "The beginning of the first prompt.",
  },
  {
    name: "display_name",
    type: "text",
    since: FIRST,
    isShown: true,
    isSynced: true,
    title: 1,
    means: "What the user calls it.",
  },
  {
    name: "title",
    type: "text",
    since: SECOND,
    isShown: true,
    isSynced: true,
    title: 2,
    means: "What the agent calls it.",
  },
  {
    name: "started_at",
    type: "time",
    since: FIRST,
    isShown: true,
    isSynced: true,
    activity: 2,
    means: "When its first record was written.",
  },
  {
    name: "ended_at",
    type: "time",
    since: FIRST,
    isShown: true,
    isSynced: true,
    activity: 1,
    means: "When it was last active.",
  },
  {
    name: "created_at",
    type: "time",
    since: FIRST,
    isShown: true,
    isSynced: true,
    activity: 3,
    means: "When it began, or was first seen.",
  },
  {
    name: "message_count",
    type: "integer",
    since: FIRST,
    default: 0,
    isShown: true,
    isSynced: true,
    versionInput: 1,
    means: "How many messages it has.",
  },
  {
    name: "user_message_count",
    type: "integer",
    since: FIRST,
    default: 0,
    isShown: true,
    isSynced: true,
    means: "How many of them a person typed.",
  },
  {
    name: "parent_session_id",
    type: "text",
    since: FIRST,
    isShown: true,
    isSynced: true,
    means: "The session that it comes from.",
  },
  {
    name: "relationship_type",
    type: "text",
    since: FIRST,
    default: "",
    isShown: true,
    isSynced: true,
    means: "What it is to its parent, such as subagent or fork.",
  },
  {
    name: "total_output_tokens",
    type: "bigint",
    since: FIRST,
    default: 0,
    isShown: true,
    isSynced: true,
    means: "The tokens that models have written in it.",
  },
  {
    name: "peak_context_tokens",
    type: "integer",
    since: FIRST,
    default: 0,
    isShown: true,
    isSynced: true,
    means: "The largest context that was sent to a model.",
  },
  {
    name: "cwd",
    type: "text",
    since: FIRST,
    isShown: true,
    isSynced: true,
    means: "The folder that the agent works in.",
  },
  {
    name: "git_branch",
    type: "text",
    since: FIRST,
    isShown: true,
    isSynced: true,
    means: "The branch that was checked out when it began.",
  },
  {
    name: "file_path",
    type: "text",
    since: FIRST,
    isShown: true,
    isSynced: true,
    means: "The first file of its transcript.",
  },
  {
    name: "termination_status",
    type: "text",
    isShown: true,
    versionInput: 6,
    means: "How it ended, as agentsview concludes it.",
  },
  { name: "outcome", type: "text", isShown: true, means: "What came of it, as agentsview concludes it." },
  {
    name: "parser_malformed_lines",
    type: "integer",
    since: FIRST,
    default: 0,
    isShown: true,
    isSynced: true,
    means: "Lines of the transcript that could not be read.",
  },
  {
    name: "is_automated",
    type: "boolean",
    since: SECOND,
    default: false,
    isShown: true,
    isSynced: true,
    means: "1 if no person has written in it.",
  },
  // From here on for stores alone. The file's mtime and inode exceed what JSON readers can hold.
  {
    name: "file_size",
    type: "bigint",
    since: FIRST,
    isSynced: true,
    means: "Bytes of the transcript that were read.",
  },
  {
    name: "file_mtime",
    type: "bigint",
    since: FIRST,
    isSynced: true,
    versionInput: 2,
    means: "When the transcript was last written, in ns.",
  },
  { name: "file_inode", type: "bigint", since: FIRST, isSynced: true, means: "The inode of its last file." },
  {
    name: "file_device",
    type: "bigint",
    since: FIRST,
    isSynced: true,
    means: "The device of its last file.",
  },
  {
    name: "file_hash",
    type: "text",
    since: FIRST,
    isSynced: true,
    versionInput: 3,
    means: "A digest of the transcript, where its file does not show every change.",
  },
  {
    name: "local_modified_at",
    type: "time",
    since: FIRST,
    versionInput: 4,
    means: "When a person last changed the row, in agentsview's archives.",
  },
  {
    name: "transcript_revision",
    type: "text",
    versionInput: 5,
    means: "The revision of its messages, in agentsview's archives.",
  },
  {
    name: "deleted_at",
    type: "time",
    since: FIRST,
    versionInput: 7,
    means: "When it was put into the trash.",
  },
  {
    name: "updated_at",
    type: "time",
    since: { postgres: 1 },
    versionInput: 8,
    means: "When the row was last written, in PostgreSQL.",
  },
  {
    name: "has_total_output_tokens",
    type: "boolean",
    since: FIRST,
    default: false,
    isSynced: true,
    means: "Whether the transcript says how many tokens were written.",
  },
  {
    name: "has_peak_context_tokens",
    type: "boolean",
    since: FIRST,
    default: false,
    isSynced: true,
    means: "Whether the transcript says how large contexts were.",
  },
  {
    name: "source_session_id",
    type: "text",
    since: FIRST,
    isSynced: true,
    means: "The id that the transcript's records give it.",
  },
  {
    name: "source_version",
    type: "text",
    since: FIRST,
    isSynced: true,
    means: "The version of the agent that wrote last.",
  },
  {
    name: "source_token",
    type: "text",
    since: FIRST,
    isSynced: true,
    means: "The transcript's state when it was last synced.",
  },
] as const satisfies readonly SessionColumn[];

/** @returns the inputs of a session's version, in their order. */
export function versionInputs(columns: readonly SessionColumn[] = SESSION_COLUMNS): string[] {
  return inOrder(columns, ({ versionInput }) => versionInput);
}

/** @returns the columns that tell when a session was last active; the first that is known counts. */
export function activityColumns(columns: readonly SessionColumn[] = SESSION_COLUMNS): string[] {
  return inOrder(columns, ({ activity }) => activity);
}

/** @returns the columns that name a session; the first that says something counts. */
export function titleColumns(columns: readonly SessionColumn[] = SESSION_COLUMNS): string[] {
  return inOrder(columns, ({ title }) => title);
}

export function traitColumns(columns: readonly SessionColumn[] = SESSION_COLUMNS): string[] {
  return namesOf(columns, ({ isTrait }) => isTrait === true);
}

function inOrder(
  columns: readonly SessionColumn[],
  placeOf: (column: SessionColumn) => number | undefined,
): string[] {
  const placed = columns.flatMap((column) => {
    const place = placeOf(column);
    return place === undefined ? [] : [{ name: column.name, place }];
  });
  return placed.sort((a, b) => a.place - b.place).map(({ name }) => name);
}
