/** Several statements in one message: one round trip, however many they are. */

import type { Row, Run } from "./run.ts";

/** The slowest link (UTF-16 units in a ms) that is waited for: several syncs may share what a telephone has. */
const SLOWEST_LINK = 10;

/**
 * Statements without parameters can go together, and need not ask the server for the types of any: over a slow link,
 * that is most of what a sync takes. Whatever they hold stands in them, as `literal()` and `dollarQuoted()` have it.
 *
 * @param answerMs how long the server has once it has got them: what is much takes its time to get there, too.
 * @returns the rows of the last statement that has any.
 */
export async function runScript(
  run: Run,
  statements: readonly string[],
  answerMs: number,
): Promise<readonly Row[]> {
  const script = statements.join(";\n");
  const results: readonly unknown[] = await run(script, [], answerMs + script.length / SLOWEST_LINK);
  const last = results.at(-1);
  // With several results there is a list of lists.
  return Array.isArray(last) ? (last as Row[]) : (results as Row[]);
}
