/** Tests that some machines cannot run. A skipped test says why: `npm test` fails on one that does not. */

import { test } from "bun:test";

/** @returns `test`, or, given an obstacle, a skipped test whose name gives it as the reason. */
export function testUnless(obstacle: string | null): (...args: Parameters<typeof test>) => void {
  if (obstacle === null) return test;
  // The obstacle is the reason, and becomes a part of the name.
  return (name, ...rest) => test.skip(`${String(name)}${because(obstacle)}`, ...rest);
}

/** @returns the end of the name of a test, or of a group of tests, that an obstacle skips. */
export function because(obstacle: string | null): string {
  return obstacle === null ? "" : ` (skipped: ${obstacle})`;
}

/** @returns the obstacle on a system other than Linux; null on Linux. */
export function notLinux(): string | null {
  return process.platform === "linux" ? null : "this is not Linux";
}
