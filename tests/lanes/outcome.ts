/** What a run has come to: counts, and everything that the reader has to know at its end. */

import type { TestResult } from "./junit.ts";

export interface Skip {
  file: string;
  name: string;
  reason: string;
}

export interface Outcome {
  passed: number;
  failed: number;
  skips: Skip[];
  /** Files with failures, or without any result. */
  failedFiles: string[];
  /** One line for each fault that is no failed test. */
  faults: string[];
}

export interface Ran {
  /** The files that had to run. */
  files: readonly string[];
  results: readonly TestResult[];
  /** Of `bun test`. */
  exitCode: number;
  /** Tests that were not picked by name are skipped without a reason. */
  picksNames: boolean;
}

const REASON = / \(skipped: ([^)]+)\)/;

export function outcomeOf({ files, results, exitCode, picksNames }: Ran): Outcome {
  const failures = results.filter(({ outcome }) => outcome === "failed");
  const skipped = picksNames ? [] : results.filter(({ outcome }) => outcome === "skipped");
  const reported = new Set(results.map(({ file }) => file));
  // A file that cannot be loaded has no result, nor has one that takes its process down.
  const silent = files.filter((file) => !reported.has(file));
  const anonymous = skipped.filter(({ name }) => !REASON.test(name));
  const faults = [
    ...silent.map((file) => `${file} has no result`),
    ...anonymous.map(({ file, name }) => `${file} skips a test without a reason: ${name}`),
  ];
  if (exitCode !== 0 && failures.length + faults.length === 0)
    faults.push(`bun test has ended with exit code ${exitCode}`);
  const passed = results.filter(({ outcome }) => outcome === "passed").length;
  if (passed + failures.length + faults.length === 0) faults.push("no test has run");
  return {
    passed,
    failed: failures.length + faults.length,
    skips: skipped.map(({ file, name }) => ({
      file,
      name: name.replace(REASON, ""),
      reason: REASON.exec(name)?.[1] ?? "no reason is given",
    })),
    failedFiles: [...new Set([...failures, ...anonymous].map(({ file }) => file)), ...silent].toSorted(),
    faults,
  };
}

/** @returns the last lines of a run; the very last one counts. */
export function closing({ passed, failed, skips, failedFiles, faults }: Outcome): string {
  const lines: string[] = [];
  if (skips.length > 0) lines.push("Skipped:");
  for (const { file, name, reason } of skips) lines.push(`  ${file}: ${name}: ${reason}`);
  if (failed > 0) lines.push("Failed:");
  for (const file of failedFiles) lines.push(`  ${file}`);
  for (const fault of faults) lines.push(`  ${fault}`);
  const skippedCount = skips.length === 0 ? "" : `, ${skips.length} skipped`;
  lines.push(`${passed} passed, ${failed} failed${skippedCount}`);
  return lines.join("\n");
}
