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
export async function commit(path: string, id: string, { commits, minMs, maxMs }: Pace): Promise<Change[]> {
  const numbers = [commits, minMs, maxMs].map(String);
  await using writer = Bun.spawn(
    [process.execPath, join(import.meta.dir, "commit-writer.ts"), path, id, ...numbers],
    { stdin: "ignore", stdout: "pipe", stderr: "inherit" },
  );
  return JSON.parse(await new Response(writer.stdout).text()) as Change[];
}
