/** All that is known of the failures of a file, to be read without looking for it in the output of the others. */

import type { TestResult } from "./junit.ts";

/**
 * @param section what is taken for the output of the file.
 * @returns it, and the failures that it lacks: the text of an error may have come too late for it.
 */
export function detailsOf(file: string, section: string, results: readonly TestResult[]): string {
  const lacking = results.filter(
    (result) =>
      result.file === file && result.failure !== undefined && !section.includes(firstLineOf(result.failure)),
  );
  const failures = lacking.map(({ name, failure }) => `(fail) ${name}\n${failure}\n`);
  return `${file}:\n${section}${failures.join("")}`;
}

function firstLineOf(failure: string): string {
  // "AssertionError: expect(received).toBe(expected)" stands as "error: expect…" in the output.
  return (failure.split("\n")[0] ?? "").replace(/^\w*Error: /, "");
}
