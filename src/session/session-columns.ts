/**
 * The columns of `sessions`. To add one, add its entry here, or to `STORED_SESSION_COLUMNS` if clients do not get it.
 * If a sync writes it, add its value in `stores/shared/saved-session.ts`.
 */

import { namesOf } from "./column.ts";
import type { SessionColumn } from "./session-column.ts";
import { STORED_SESSION_COLUMNS } from "./stored-session-columns.ts";

const FIRST = { sqlite: 1, postgres: 1 } as const;
const SECOND = { sqlite: 2, postgres: 1 } as const;

const SHOWN_COLUMNS = [
  { name: "id", type: "text", since: FIRST, isSynced: true, means: "The session's id." },
  {
    name: "project",
    type: "text",
    since: FIRST,
    default: "",
    isShown: true,
    isSynced: true,
    isTrait: true,
    // Clients that follow a project have to learn that a session has moved.
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
    isEssential: true,
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
    means: "Relation to its parent, such as subagent or fork.",
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
    means: "How it ended, from agentsview.",
  },
  { name: "outcome", type: "text", isShown: true, means: "Outcome, from agentsview." },
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
] as const satisfies readonly SessionColumn[];

export const SESSION_COLUMNS = [
  ...SHOWN_COLUMNS,
  ...STORED_SESSION_COLUMNS,
] as const satisfies readonly SessionColumn[];

/** @returns the inputs of a session's version, in their order. */
export function versionInputs(columns: readonly SessionColumn[] = SESSION_COLUMNS): string[] {
  return inOrder(columns, ({ versionInput }) => versionInput);
}

/** @returns the times of the last activity; the first one that has a value counts. */
export function activityColumns(columns: readonly SessionColumn[] = SESSION_COLUMNS): string[] {
  return inOrder(columns, ({ activity }) => activity);
}

/** @returns the titles of a session; the first one that has a text counts. */
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
