/** Counts what is in an archive: whether it all fits together, and whether two archives hold the same. */

import { DatabaseSync } from "node:sqlite";
import { expect } from "bun:test";

type Row = Record<string, unknown>;

/** How long (ms) a look waits for a lock. */
const LOCK_PATIENCE_MS = 5000;

/** Each finds the rows that must not be there, whatever was killed at whatever moment. */
const FAULTS: Record<string, string> = {
  "a session whose count of messages is wrong": `
    SELECT id, message_count, (SELECT count(*) FROM messages WHERE session_id = sessions.id) AS messages
    FROM sessions WHERE message_count != messages`,
  "a session whose count of prompts is wrong": `
    SELECT id, user_message_count, (SELECT count(*) FROM messages WHERE session_id = sessions.id
      AND role = 'user' AND is_system = 0 AND is_sidechain = 0) AS prompts
    FROM sessions WHERE user_message_count != prompts`,
  "a session whose count of tokens is wrong": `
    SELECT id, total_output_tokens, (SELECT total(output_tokens) FROM messages WHERE session_id = sessions.id) AS tokens
    FROM sessions WHERE total_output_tokens != tokens`,
  "a message twice": `
    SELECT session_id, merge_key, count(*) AS messages FROM messages WHERE merge_key IS NOT NULL
    GROUP BY session_id, merge_key HAVING messages > 1`,
  "a gap in the ordinals": `
    SELECT session_id, min(ordinal) AS first, max(ordinal) AS last, count(*) AS messages FROM messages
    GROUP BY session_id HAVING first != 0 OR last != messages - 1`,
  "a message without its session": `
    SELECT session_id FROM messages WHERE session_id NOT IN (SELECT id FROM sessions)`,
  "a call without its message": `
    SELECT id FROM tool_calls WHERE message_id NOT IN (SELECT id FROM messages)`,
  "a session without a place to go on from": `
    SELECT id FROM sessions WHERE id NOT IN (SELECT session_id FROM sync_state)
      OR id NOT IN (SELECT session_id FROM sync_files)`,
  "a session that was read to another place than its messages": `
    SELECT id, file_size, (SELECT sum(offset) FROM sync_files WHERE session_id = sessions.id) AS offset
    FROM sessions WHERE file_size != offset`,
};

/** Everything about one archive, seen by a connection of its own, as another process would. */
export class Census implements Disposable {
  readonly #db: DatabaseSync;

  constructor(path: string) {
    this.#db = new DatabaseSync(path, { readOnly: true, timeout: LOCK_PATIENCE_MS });
  }

  /** Checks what must hold at any moment. @returns how many messages each session has. */
  take(): Map<string, number> {
    // One moment for all queries.
    this.#db.exec("BEGIN");
    try {
      for (const [fault, query] of Object.entries(FAULTS))
        expect({ fault, rows: this.#all(query) }).toEqual({ fault, rows: [] });
      const counts = this.#all("SELECT id, message_count FROM sessions");
      return new Map(counts.map((row) => [String(row["id"]), Number(row["message_count"])]));
    } finally {
      this.#db.exec("COMMIT");
    }
  }

  expectIntegrity(): void {
    expect(this.#all("PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
    expect(this.#all("PRAGMA foreign_key_check")).toEqual([]);
  }

  /** Every column of every row but the numbers that SQLite gave them: those tell in which order sessions were synced. */
  contents(): Record<string, Row[]> {
    const tables = {
      sessions: this.#all("SELECT * FROM sessions ORDER BY id"),
      messages: this.#all("SELECT * FROM messages ORDER BY session_id, ordinal"),
      calls: this.#all(`
        SELECT messages.ordinal AS of_message, tool_calls.* FROM tool_calls JOIN messages ON messages.id = message_id
        ORDER BY tool_calls.session_id, tool_calls.id`),
      states: this.#all("SELECT * FROM sync_state ORDER BY session_id"),
      files: this.#all("SELECT * FROM sync_files ORDER BY session_id, position"),
    };
    for (const row of [...tables.messages, ...tables.calls]) delete row["id"];
    for (const row of tables.calls) delete row["message_id"];
    // A transcript without any time was created when it was first seen.
    for (const row of tables.sessions) if (row["started_at"] === null) delete row["created_at"];
    return tables;
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  #all(query: string): Row[] {
    const statement = this.#db.prepare(query);
    // An mtime in nanoseconds does not fit into a number.
    statement.setReadBigInts(true);
    return statement.all();
  }
}

/** Fails with the first row that differs. */
export function expectSameArchive(path: string, expectedPath: string): void {
  using actual = new Census(path);
  using expected = new Census(expectedPath);
  const found = actual.contents();
  for (const [table, rows] of Object.entries(expected.contents())) {
    for (const [index, row] of rows.entries()) {
      // Thousands of rows are the same.
      if (Bun.deepEquals(found[table]?.[index], row, true)) continue;
      expect({ table, index, row: found[table]?.[index] }).toEqual({ table, index, row });
    }
    expect({ table, rows: found[table]?.length }).toEqual({ table, rows: rows.length });
  }
}
