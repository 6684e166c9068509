/**
 * A process with connections that listen to a PostgreSQL archive's changes, and do nothing else. Says "listening" when all of
 * them do.
 *
 * Usage: bun pg-listeners.ts <url> <channel> <connections>
 */

import postgres from "postgres";

const [url = "", channel = "", connections = ""] = process.argv.slice(2);

for (let n = 0; n < Number(connections); n += 1) await postgres(url).listen(channel, () => undefined);
console.log("listening");
