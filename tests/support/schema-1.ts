/** An archive as the first release left it. */

import { DatabaseSync } from "node:sqlite";
import { APPLICATION_ID, SQLITE_MIGRATIONS } from "../../src/stores/sqlite/database/schema.ts";

/** Its transcript is gone. */
export const LOST_SESSION = "lost";

/** @param from an archive of today, for what the old one holds; its parser understood less. */
export function makeSchema1(path: string, from: string): void {
  const db = new DatabaseSync(path);
  try {
    db.exec(
      `PRAGMA journal_mode = WAL; ${SQLITE_MIGRATIONS[0]}; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 1`,
    );
    db.prepare("ATTACH ? AS today").run(from);
    for (const table of ["sessions", "messages", "tool_calls"]) {
      const columns = columnsOf(db, table).join(", ");
      db.exec(`INSERT INTO ${table} (${columns}) SELECT ${columns} FROM today.${table}`);
    }
    db.exec(`
      INSERT INTO sync_state SELECT session_id, path, offset, fingerprint, '{"pairing":{}}' FROM today.sync_files;
      UPDATE messages SET content = 'as it was understood then', merge_key = 'old-' || merge_key;
      DELETE FROM tool_calls WHERE id % 2 = 0;
      INSERT INTO sessions (id, created_at, message_count) VALUES ('${LOST_SESSION}', '2026-01-01T00:00:00.000Z', 1);
      INSERT INTO messages (session_id, ordinal, role, content) VALUES ('${LOST_SESSION}', 0, 'user', 'remember me');`);
  } finally {
    db.close();
  }
}

/** @returns what is left of the lost session, which is then taken away. */
export function takeLostSession(path: string): unknown {
  const db = new DatabaseSync(path, { timeout: 5000, enableForeignKeyConstraints: true });
  try {
    const texts = db.prepare("SELECT content FROM messages WHERE session_id = ?").all(LOST_SESSION);
    db.prepare("DELETE FROM sessions WHERE id = ?").run(LOST_SESSION);
    return texts.map(({ content }) => content);
  } finally {
    db.close();
  }
}

function columnsOf(db: DatabaseSync, table: string): string[] {
  return db
    .prepare("SELECT name FROM pragma_table_info(?)")
    .all(table)
    .map(({ name }) => String(name));
}
