/**
 * The suite: builds the executable, runs the test files of a lane, several at a time, and ends with `N passed, N failed`.
 * Paths pick files; flags are passed on to `bun test`; `--lane quick` and `--lane soak` run another lane.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArguments } from "./lanes/arguments.ts";
import { bunTest } from "./lanes/bun-test.ts";
import type { BunTestRun } from "./lanes/bun-test.ts";
import { mergedReport, resultsOf } from "./lanes/junit.ts";
import { ALONE, TEST_LANES } from "./lanes/lanes.ts";
import { closing, outcomeOf } from "./lanes/outcome.ts";
import { sectionsOf } from "./lanes/sections.ts";
import { selectFiles } from "./lanes/selection.ts";

const ROOT = join(import.meta.dir, "..");
/** How long (ms) each file took on two cores; `npm test -- --update-timings` records it anew. */
const TIMINGS = join(import.meta.dir, "lanes/timings.json");

const { lane, paths, flags, picksNames, report } = parseArguments(process.argv.slice(2));
const { build, workers, timeoutMs, env, paths: lanePaths } = TEST_LANES[lane];

if (build) {
  const command = [process.execPath, "run", "build.ts"];
  const { exitCode } = Bun.spawnSync(command, { cwd: ROOT, stdout: "inherit", stderr: "inherit" });
  if (exitCode !== 0) process.exit(exitCode);
}

const files = [...new Bun.Glob("tests/**/*.test.ts").scanSync({ cwd: ROOT })];
const { together, alone } = selectFiles(files, lanePaths, paths, ALONE);
const reports = mkdtempSync(join(tmpdir(), "sessionwatch-reports-"));
const runs: BunTestRun[] = [];
await run(together, workers);
await run(alone, 1);
rmSync(reports, { recursive: true });

const ranFiles = [...together, ...alone];
const outcome = outcomeOf({
  files: ranFiles,
  results: runs.flatMap(({ report }) => resultsOf(report)),
  exitCodes: runs.map(({ exitCode }) => exitCode),
  picksNames,
});
if (report !== null) writeFileSync(report, mergedReport(runs.map(({ report }) => report)));
const sections = new Map(runs.flatMap(({ output }) => [...sectionsOf(output, ranFiles)]));
for (const file of outcome.failedFiles) process.stderr.write(`\n${file}:\n${sections.get(file) ?? ""}`);
console.log(`\n${closing(outcome)}`);
process.exitCode = outcome.failed === 0 ? 0 : 1;

/** @param atOnce how many files run at the same time. */
async function run(files: readonly string[], atOnce: number): Promise<void> {
  if (files.length === 0) return;
  const parallel = Math.min(atOnce, files.length);
  // Files of one worker share what they start, a PostgreSQL server above all.
  const sideBySide = parallel > 1 ? [`--parallel=${parallel}`, "--no-isolate", `--timings=${TIMINGS}`] : [];
  const args = [`--timeout=${timeoutMs}`, ...sideBySide, ...flags, ...files.map((file) => `./${file}`)];
  const reportPath = join(reports, `${runs.length}.xml`);
  runs.push(await bunTest(args, { cwd: ROOT, env, reportPath }));
}
