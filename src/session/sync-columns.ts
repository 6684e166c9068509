/** The columns in which our own archives keep their books: what was read, what has changed, what is excluded. */

import type { Column } from "./column.ts";

const FIRST = { sqlite: 2, postgres: 1 } as const;

export const SYNC_STATE_COLUMNS = [
  { name: "session_id", type: "text", since: FIRST, isSynced: true, means: "Its session." },
  {
    name: "revision",
    type: "integer",
    since: FIRST,
    isSynced: true,
    means: "The parser that has read it: a state means nothing to another one.",
  },
  {
    name: "parser_state",
    type: "text",
    since: FIRST,
    isSynced: true,
    means: "What the parser needs to go on, as JSON text.",
  },
] as const satisfies readonly Column[];

export const SYNC_FILE_COLUMNS = [
  { name: "session_id", type: "text", since: FIRST, isSynced: true, means: "Its session." },
  {
    name: "position",
    type: "integer",
    since: FIRST,
    isSynced: true,
    means: "Its place among the files of the transcript.",
  },
  { name: "path", type: "text", since: FIRST, isSynced: true, means: "The file." },
  {
    name: "token",
    type: "text",
    since: FIRST,
    isSynced: true,
    means: "Token of the file when it was last read.",
  },
  { name: "offset", type: "bigint", since: FIRST, isSynced: true, means: "Bytes that were read of it." },
  {
    name: "fingerprint",
    type: "text",
    since: FIRST,
    isSynced: true,
    means: "A digest of the last bytes that were read.",
  },
  { name: "mtime", type: "bigint", since: FIRST, isSynced: true, means: "When it was written, in ns." },
  { name: "inode", type: "bigint", since: FIRST, isSynced: true, means: "Its inode." },
  { name: "device", type: "bigint", since: FIRST, isSynced: true, means: "Its device." },
] as const satisfies readonly Column[];

export const EXCLUDED_SESSION_COLUMNS = [
  {
    name: "id",
    type: "text",
    since: { sqlite: 1, postgres: 1 },
    means: "A session that no sync may bring back.",
  },
] as const satisfies readonly Column[];

/** The log of changes in SQLite; PostgreSQL knows them by its transactions. */
export const SESSION_CHANGE_COLUMNS = [
  { name: "sequence", type: "integer", since: { sqlite: 3 }, means: "It grows with each change." },
  { name: "session_id", type: "text", since: { sqlite: 3 }, means: "The session that has changed." },
] as const satisfies readonly Column[];

/** The table that marks a schema of PostgreSQL as an archive of ours; SQLite has a number in the file's header. */
export const ARCHIVE_MARK_COLUMNS = [
  { name: "schema_version", type: "integer", since: { postgres: 1 }, means: "The version of the schema." },
] as const satisfies readonly Column[];
