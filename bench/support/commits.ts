/** Commits to an archive by another process. */

import { join } from "node:path";
import type { Change } from "./arrivals.ts";

/** How many commits, and how long (ms) between two of them. */
export interface Pace {
  commits: number;
  minMs: number;
  maxMs: number;
}

/** Lets a session grow by a message with each commit. Resolves once the writer has ended. */
export function commit(path: string, id: string, pace: Pace): Promise<Change[]> {
  return changesOf("commit-writer.ts", [path, id], pace);
}

/** The same in PostgreSQL. */
export function commitTo(url: string, schema: string, id: string, pace: Pace): Promise<Change[]> {
  return changesOf("pg-commit-writer.ts", [url, schema, id], pace);
}

async function changesOf(
  script: string,
  place: string[],
  { commits, minMs, maxMs }: Pace,
): Promise<Change[]> {
  const numbers = [commits, minMs, maxMs].map(String);
  await using writer = Bun.spawn([process.execPath, join(import.meta.dir, script), ...place, ...numbers], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  return JSON.parse(await new Response(writer.stdout).text()) as Change[];
}
