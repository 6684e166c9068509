/** All that an archive holds: whether it fits together, and whether two archives hold the same. */

import { expect } from "bun:test";
import { ArchiveConnection } from "./archive-connection.ts";
import type { Row } from "./archive-connection.ts";

/** The rows of each table. */
export type Image = Record<string, Row[]>;

/** Each finds the rows that must not be there, whatever was killed at whatever moment; in the SQL of any database. */
export const FAULTS: Readonly<Record<string, string>> = {
  "a session whose count of messages is wrong": `
    SELECT id, message_count FROM sessions
    WHERE message_count != (SELECT count(*) FROM messages WHERE session_id = sessions.id)`,
  "a session whose count of prompts is wrong": `
    SELECT id, user_message_count FROM sessions
    WHERE user_message_count != (SELECT count(*) FROM messages WHERE session_id = sessions.id
      AND role = 'user' AND NOT is_system AND NOT is_sidechain)`,
  "a session whose count of tokens is wrong": `
    SELECT id, total_output_tokens FROM sessions
    WHERE total_output_tokens !=
      (SELECT COALESCE(sum(output_tokens), 0) FROM messages WHERE session_id = sessions.id)`,
  "a message twice": `
    SELECT session_id, merge_key FROM messages WHERE merge_key IS NOT NULL
    GROUP BY session_id, merge_key HAVING count(*) > 1`,
  "a gap in the ordinals": `
    SELECT session_id, min(ordinal) AS first, max(ordinal) AS last FROM messages
    GROUP BY session_id HAVING min(ordinal) != 0 OR max(ordinal) != count(*) - 1`,
  "a message without its session": `
    SELECT session_id FROM messages WHERE session_id NOT IN (SELECT id FROM sessions)`,
  "a call without its session's messages": `
    SELECT session_id FROM tool_calls WHERE session_id NOT IN (SELECT session_id FROM messages)`,
  "a session without a place to go on from": `
    SELECT id FROM sessions WHERE id NOT IN (SELECT session_id FROM sync_state)
      OR id NOT IN (SELECT session_id FROM sync_files)`,
  "a session that was read to another place than its messages": `
    SELECT id, file_size FROM sessions
    WHERE file_size != (SELECT sum("offset") FROM sync_files WHERE session_id = sessions.id)`,
};
/** Calls are tied to their messages by numbers that SQLite gives. */
const OWN_FAULTS: Readonly<Record<string, string>> = {
  ...FAULTS,
  "a call without its message": `
    SELECT id FROM tool_calls WHERE message_id NOT IN (SELECT id FROM messages)`,
};

/**
 * @returns every column of every row, the bookkeeping included, but for the numbers that SQLite gave them: those tell in
 * what order and in what pieces sessions were synced. Calls are known by the place of their message.
 */
export function imageOf(path: string): Image {
  using db = new ArchiveConnection(path);
  const image = db.atOnce(() => ({
    sessions: db.all("SELECT * FROM sessions ORDER BY id"),
    messages: db.all("SELECT * FROM messages ORDER BY session_id, ordinal"),
    calls: db.all(`
      SELECT messages.ordinal AS of_message, tool_calls.* FROM tool_calls JOIN messages ON messages.id = message_id
      ORDER BY tool_calls.session_id, of_message, tool_calls.id`),
    states: db.all("SELECT * FROM sync_state ORDER BY session_id"),
    files: db.all("SELECT * FROM sync_files ORDER BY session_id, position"),
  }));
  for (const row of [...image.messages, ...image.calls]) delete row["id"];
  for (const row of image.calls) delete row["message_id"];
  // A transcript without any time was created when it was first seen.
  for (const row of image.sessions) if (row["started_at"] === null) delete row["created_at"];
  return image;
}

/** Fails with the first row that differs: thousands of them are the same. */
export function expectSameImage(actual: Image, expected: Image): void {
  for (const [table, rows] of Object.entries(expected)) {
    const found = actual[table] ?? [];
    const index = rows.findIndex((row, index) => !Bun.deepEquals(found[index], row, true));
    if (index >= 0)
      expect({ table, index, row: found[index] }).toStrictEqual({ table, index, row: rows[index] });
    expect({ table, more: found.slice(rows.length) }).toEqual({ table, more: [] });
  }
}

/** Checks what must hold of an archive at any moment. @returns how many messages each session has. */
export function expectNoFaults(path: string): Map<string, number> {
  using db = new ArchiveConnection(path);
  return db.atOnce(() => {
    for (const [fault, query] of Object.entries(OWN_FAULTS))
      expect({ fault, rows: db.all(query) }).toEqual({ fault, rows: [] });
    const counts = db.all("SELECT id, message_count FROM sessions");
    return new Map(counts.map((row) => [String(row["id"]), Number(row["message_count"])]));
  });
}

/** Checks what SQLite can tell of its own file. */
export function expectIntegrity(path: string): void {
  using db = new ArchiveConnection(path);
  expect(db.all("PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
  expect(db.all("PRAGMA foreign_key_check")).toEqual([]);
}
