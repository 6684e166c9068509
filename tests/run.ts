/**
 * The suite: builds the executable, runs the test files of a lane, several at a time, and ends with `N passed, N failed`.
 * Paths pick files; flags are passed on to `bun test`; `--lane quick` and `--lane soak` run another lane.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArguments } from "./lanes/arguments.ts";
import { bunTest } from "./lanes/bun-test.ts";
import { detailsOf } from "./lanes/details.ts";
import { resultsOf } from "./lanes/junit.ts";
import { TEST_LANES } from "./lanes/lanes.ts";
import { closing, outcomeOf } from "./lanes/outcome.ts";
import { sectionsOf } from "./lanes/sections.ts";
import { selectFiles } from "./lanes/selection.ts";

const ROOT = join(import.meta.dir, "..");
/** How long (ms) each file took; the slowest begin. `npm test -- --update-timings` records it anew. */
const TIMINGS = join(import.meta.dir, "lanes/timings.json");

const { lane, paths, flags, picksNames, report } = parseArguments(process.argv.slice(2));
const { build, workers, timeoutMs, env, paths: lanePaths } = TEST_LANES[lane];

const allFiles = [...new Bun.Glob("tests/**/*.test.ts").scanSync({ cwd: ROOT })];
const files = selectFiles(allFiles, lanePaths, paths);
if (files.length === 0) {
  console.error(`No test file of the lane "${lane}" matches ${paths.join(", ")}`);
  console.log("0 passed, 1 failed");
  process.exit(1);
}

if (build) {
  const command = [process.execPath, "run", "build.ts"];
  const { exitCode } = Bun.spawnSync(command, { cwd: ROOT, stdout: "inherit", stderr: "inherit" });
  if (exitCode !== 0) process.exit(exitCode);
}

const atOnce = Math.min(workers, files.length);
// Files of one worker share what they start, a PostgreSQL server above all.
const sideBySide = atOnce > 1 ? [`--parallel=${atOnce}`, "--no-isolate", `--timings=${TIMINGS}`] : [];
const args = [`--timeout=${timeoutMs}`, ...sideBySide, ...flags, ...files.map((file) => `./${file}`)];
const folder = mkdtempSync(join(tmpdir(), "sessionwatch-report-"));
const reportPath = report ?? join(folder, "junit.xml");
const run = await bunTest(args, { cwd: ROOT, env, reportPath });
rmSync(folder, { recursive: true });

const results = resultsOf(run.report);
const outcome = outcomeOf({ files, results, exitCode: run.exitCode, picksNames });
const sections = sectionsOf(run.output, files);
for (const file of outcome.failedFiles)
  console.error(`\n${detailsOf(file, sections.get(file) ?? "", results)}`);
console.log(`\n${closing(outcome)}`);
process.exitCode = outcome.failed === 0 ? 0 : 1;
