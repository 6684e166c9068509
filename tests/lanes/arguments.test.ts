import { expect, test } from "bun:test";
import { parseArguments } from "./arguments.ts";
import type { RunArguments } from "./arguments.ts";

const NOTHING = { lane: "all", paths: [], flags: [], picksNames: false, report: null } as const;

test.each([
  [[], {}],
  [["tests/watch", "serve"], { paths: ["tests/watch", "serve"] }],
  [["--lane", "soak", "fuzz"], { lane: "soak", paths: ["fuzz"] }],
  [["--lane=quick"], { lane: "quick" }],
  [["--bail", "tests/watch"], { flags: ["--bail"], paths: ["tests/watch"] }],
  [["--timeout", "1000"], { flags: ["--timeout=1000"] }],
  [["-t", "a=b"], { flags: ["--test-name-pattern=a=b"], picksNames: true }],
  [["--test-name-pattern=x"], { flags: ["--test-name-pattern=x"], picksNames: true }],
  [["--reporter=junit", "--reporter-outfile", "x.xml"], { report: "x.xml" }],
] as const)("parseArguments(%j)", (argv, expected) => {
  expect(parseArguments(argv)).toEqual({ ...NOTHING, ...expected } as unknown as RunArguments);
});

test.each([
  [["--lane", "slow"], 'there is no lane "slow"'],
  [["--timeout"], "--timeout needs a value"],
  [["--reporter", "dots"], "--reporter takes junit, not dots"],
] as const)("parseArguments(%j) throws", (argv, message) => {
  expect(() => parseArguments(argv)).toThrow(message);
});
