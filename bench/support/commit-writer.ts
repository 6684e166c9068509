/**
 * A process that commits to an archive as a syncing program does: a message and its session's row in one
 * transaction, in a write-ahead log with `synchronous = NORMAL`, which is what agentsview and we use. Prints, at
 * the end, when each commit had returned.
 *
 * Usage: bun commit-writer.ts <archive> <session id> <commits> <shortest pause, ms> <longest pause, ms>
 */

import { DatabaseSync } from "node:sqlite";
import type { Change } from "./arrivals.ts";
import { nowMs, randomPause } from "./clock.ts";

const [path = "", id = "", commits = "", minMs = "", maxMs = ""] = process.argv.slice(2);

using db = new DatabaseSync(path, { timeout: 5000 });
db.exec("PRAGMA synchronous = NORMAL");
const count = db.prepare("SELECT message_count FROM sessions WHERE id = ?");
const insert = db.prepare(
  "INSERT INTO messages (session_id, ordinal, role, content) VALUES (?, ?, 'user', ?)",
);
const update = db.prepare(
  "UPDATE sessions SET message_count = message_count + 1, file_mtime = file_mtime + 1000000 WHERE id = ?",
);

let messageCount = Number(count.get(id)?.["message_count"]);
const changes: Change[] = [];
for (let commit = 0; commit < Number(commits); commit += 1) {
  await randomPause(Number(minMs), Number(maxMs));
  db.exec("BEGIN IMMEDIATE");
  insert.run(id, messageCount, `${"Some words of a message. ".repeat(20)}${commit}`);
  update.run(id);
  db.exec("COMMIT");
  messageCount += 1;
  changes.push({ messageCount, atMs: nowMs() });
}
console.log(JSON.stringify(changes));
