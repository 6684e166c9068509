/** Several statements in one message: one round trip, however many they are. */

import type { Row, Run } from "../connection/link.ts";

/**
 * Statements without parameters can go together, and need not ask the server for the types of any: over a slow link,
 * that is most of what a sync takes. Whatever they hold stands in them, as `literal()` and `dollarQuoted()` have it.
 *
 * @returns the rows of the last statement that has any.
 */
export async function runScript(
  run: Run,
  statements: readonly string[],
  deadlineMs?: number,
): Promise<readonly Row[]> {
  const results: readonly unknown[] = await run(statements.join(";\n"), [], deadlineMs);
  const last = results.at(-1);
  // With several results there is a list of lists.
  return Array.isArray(last) ? (last as Row[]) : (results as Row[]);
}
