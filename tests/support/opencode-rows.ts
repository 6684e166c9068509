/** Tables of OpenCode with rows made by hand. */

import { DatabaseSync } from "node:sqlite";

/** When the sessions begin (ms since the epoch). */
export const MS = Date.UTC(2026, 0, 1);

export function newDatabase(): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  db.exec(`
    CREATE TABLE session (id TEXT, parent_id TEXT, directory TEXT, title TEXT, version TEXT, revert TEXT,
      time_created INTEGER, time_updated INTEGER);
    CREATE TABLE message (id TEXT, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT);
    CREATE TABLE part (id TEXT, message_id TEXT, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT)`);
  return db;
}

export function addSession(db: DatabaseSync, id: string): void {
  db.prepare("INSERT INTO session VALUES (?, NULL, '/home/me/app', 'A title', '1.18.33', NULL, ?, ?)").run(
    id,
    MS,
    MS,
  );
}

/** @param id `msg_<n>`: it is n seconds younger than its session. Its parts are `prt_<id>_0` and so on. */
export function addMessage(db: DatabaseSync, id: string, data: object, ...parts: object[]): void {
  const at = MS + Number(id.replaceAll(/\D/g, "")) * 1000;
  db.prepare("INSERT INTO message VALUES (?, 'ses_1', ?, ?, ?)").run(id, at, at, JSON.stringify(data));
  for (const [index, part] of parts.entries())
    db.prepare("INSERT INTO part VALUES (?, ?, 'ses_1', ?, ?, ?)").run(
      `prt_${id}_${index}`,
      id,
      at,
      at,
      JSON.stringify(part),
    );
}
