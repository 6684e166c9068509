/** The lanes of the suite: which test files each runs, and how. */

import { SOAK_VARIABLE } from "../support/scale.ts";

export interface TestLane {
  /** Files and folders under the root of the project. */
  paths: readonly string[];
  /** Whether its tests need `dist/watch`. */
  build: boolean;
  /** How many files run at the same time. */
  workers: number;
  /** How long (ms) a test may take, unless it says otherwise. */
  timeoutMs: number;
  env: Readonly<Record<string, string>>;
}

export type TestLaneName = "all" | "quick" | "soak";

/** Most tests wait for timers and for other processes: some workers more than there are cores keep the cores busy. */
const WORKERS = navigator.hardwareConcurrency + 2;

export const TEST_LANES: Readonly<Record<TestLaneName, TestLane>> = {
  all: { paths: ["tests"], build: true, workers: WORKERS, timeoutMs: 60_000, env: {} },
  quick: {
    paths: [
      "tests/agents",
      "tests/app",
      "tests/async",
      "tests/cli",
      "tests/client",
      "tests/contract",
      "tests/lanes",
      "tests/runtime",
      "tests/session",
      "tests/stores/sqlite",
      "tests/stores/sqlite.test.ts",
      "tests/sync/discovery",
      "tests/sync/reading",
      "tests/watch",
    ],
    build: false,
    workers: WORKERS,
    timeoutMs: 60_000,
    env: {},
  },
  soak: {
    paths: [
      "tests/agents/fuzz.test.ts",
      "tests/contract/agents.test.ts",
      "tests/e2e/death.test.ts",
      "tests/e2e/postgres-failures.test.ts",
      "tests/e2e/postgres-leaks.test.ts",
      "tests/e2e/replicas.test.ts",
      "tests/server/streams/resume.test.ts",
      "tests/stores/postgres/write/writer.test.ts",
      "tests/stores/writer.test.ts",
      "tests/sync/fuzz.test.ts",
      "tests/sync/incremental.test.ts",
      "tests/watch/feed-properties.test.ts",
    ],
    build: true,
    // A failure at full length should not be the fault of a neighbour.
    workers: 1,
    timeoutMs: 600_000,
    env: { [SOAK_VARIABLE]: "1" },
  },
};
