/** The columns of `sessions` that clients do not get. The file's mtime and inode exceed what JSON readers can hold. */

import type { SessionColumn } from "./session-column.ts";

const FIRST = { sqlite: 1, postgres: 1 } as const;

export const STORED_SESSION_COLUMNS = [
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
