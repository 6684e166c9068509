/**
 * A process that commits to a PostgreSQL archive as a push does: a message and its session's row in one transaction. Prints,
 * at the end, when each commit had returned.
 *
 * Usage: bun pg-commit-writer.ts <url> <schema> <session id> <commits> <shortest pause, ms> <longest pause, ms>
 */

import postgres from "postgres";
import { quoted } from "../../src/stores/postgres/sql/quoting.ts";
import type { Change } from "./arrivals.ts";
import { nowMs, randomPause } from "./clock.ts";

const [url = "", schema = "", id = "", commits = "", minMs = "", maxMs = ""] = process.argv.slice(2);
const sessions = `${quoted(schema)}.sessions`;
const messages = `${quoted(schema)}.messages`;

const sql = postgres(url, { max: 1 });
const [row] = await sql.unsafe(`SELECT message_count FROM ${sessions} WHERE id = $1`, [id]);
let messageCount = Number(row?.["message_count"]);
const changes: Change[] = [];
for (let commit = 0; commit < Number(commits); commit += 1) {
  await randomPause(Number(minMs), Number(maxMs));
  await sql.begin(async (transaction) => {
    const text = `${"Some words of a message. ".repeat(20)}${commit}`;
    await transaction.unsafe(
      `INSERT INTO ${messages} (session_id, ordinal, role, content) VALUES ($1, $2, 'user', $3)`,
      [id, messageCount, text],
    );
    await transaction.unsafe(
      `UPDATE ${sessions} SET message_count = message_count + 1, updated_at = now() WHERE id = $1`,
      [id],
    );
  });
  messageCount += 1;
  changes.push({ messageCount, atMs: nowMs() });
}
await sql.end();
console.log(JSON.stringify(changes));
