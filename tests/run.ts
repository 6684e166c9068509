/**
 * The whole suite: builds the executable, runs every test file under tests/, and ends with `N passed, N failed`.
 * Arguments are passed on to `bun test`.
 */

import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");

const build = Bun.spawnSync([process.execPath, "run", "build.ts"], {
  cwd: ROOT,
  stdout: "inherit",
  stderr: "inherit",
});
if (build.exitCode !== 0) process.exit(build.exitCode);

const args = ["test", "--timeout", "60000", ...process.argv.slice(2)];
const tests = Bun.spawn([process.execPath, ...args], {
  cwd: ROOT,
  stdin: "ignore",
  stdout: "inherit",
  stderr: "pipe",
});
let output = "";
const decoder = new TextDecoder();
for await (const chunk of tests.stderr) {
  output += decoder.decode(chunk, { stream: true });
  process.stderr.write(chunk);
}
const exitCode = await tests.exited;
const passed = total("pass");
// A run that broke off has failed, whatever it counted.
const failed = Math.max(total("fail"), exitCode === 0 && passed > 0 ? 0 : 1);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

/** @returns the number before `word` in the closing lines of `bun test`. */
function total(word: "pass" | "fail"): number {
  return Number(new RegExp(`^\\s*(\\d+) ${word}$`, "m").exec(Bun.stripANSI(output))?.[1] ?? 0);
}
