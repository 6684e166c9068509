/** Sends several statements in one message, which takes one round trip. */

import type { ResultRow, Run } from "./statement.ts";

/** The slowest network (UTF-16 units per ms) that is supported: several syncs may share a phone's connection. */
const SLOWEST_LINK = 10;

/**
 * Over a slow network, round trips are most of the time of a sync, and statements without parameters need only one for
 * all of them. They contain their values as `literal()` and `dollarQuoted()` write them.
 *
 * @param answerMs how long the server may take after the script has arrived.
 * @returns the rows of the last statement that returns any.
 */
export async function runScript(
  run: Run,
  statements: readonly string[],
  answerMs: number,
): Promise<readonly ResultRow[]> {
  const script = statements.join(";\n");
  const results: readonly unknown[] = await run(script, [], answerMs + script.length / SLOWEST_LINK);
  const last = results.at(-1);
  // Several results are a list of lists.
  return Array.isArray(last) ? (last as ResultRow[]) : (results as ResultRow[]);
}
