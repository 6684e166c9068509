/** What the command line of `tests/run.ts` asks for. */

import { TEST_LANES } from "./lanes.ts";
import type { TestLaneName } from "./lanes.ts";

export interface RunArguments {
  lane: TestLaneName;
  /** Parts of the paths of test files; empty: all files of the lane. */
  paths: string[];
  /** For `bun test`, as they came. */
  flags: string[];
  /** Only tests with certain names run; all others count as skipped. */
  picksNames: boolean;
  /** Where the JUnit report goes, if anybody wants one. */
  report: string | null;
}

/** Flags of `bun test` that may be followed by their value as an argument of its own. */
const WITH_VALUE = new Set([
  "-t",
  "--test-name-pattern",
  "--timeout",
  "--rerun-each",
  "--retry",
  "--seed",
  "--max-concurrency",
]);

/** @throws if a flag lacks its value, or the lane is unknown. */
export function parseArguments(argv: readonly string[]): RunArguments {
  const parsed: RunArguments = { lane: "all", paths: [], flags: [], picksNames: false, report: null };
  const rest = [...argv];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const [flag = "", ...value] = argument.split("=");
    const valueOf = (): string => {
      const given = value.length > 0 ? value.join("=") : rest.shift();
      if (given === undefined) throw new Error(`${flag} needs a value`);
      return given;
    };
    if (!argument.startsWith("-")) parsed.paths.push(argument);
    else if (flag === "--lane") parsed.lane = laneNamed(valueOf());
    else if (flag === "--reporter-outfile") parsed.report = valueOf();
    else if (flag === "--reporter") expectJUnit(valueOf());
    else if (WITH_VALUE.has(flag)) parsed.flags.push(`${longName(flag)}=${valueOf()}`);
    else parsed.flags.push(argument);
  }
  parsed.picksNames = parsed.flags.some((flag) => flag.startsWith("--test-name-pattern"));
  return parsed;
}

function laneNamed(name: string): TestLaneName {
  if (!Object.hasOwn(TEST_LANES, name)) throw new Error(`there is no lane "${name}"`);
  return name as TestLaneName;
}

function expectJUnit(reporter: string): void {
  if (reporter !== "junit") throw new Error(`--reporter takes junit, not ${reporter}`);
}

function longName(flag: string): string {
  return flag === "-t" ? "--test-name-pattern" : flag;
}
