/** The long tests run for seconds in `npm test`, and at full length in `npm run test:soak`. */

/** The variable that `npm run test:soak` sets. */
export const SOAK_VARIABLE = "SESSIONWATCH_TEST_SOAK";

/** @returns how much a long test does in this run: `full` in a soak, else `short`. */
export function scaled(full: number, short: number): number {
  return process.env[SOAK_VARIABLE] === "1" ? full : short;
}
