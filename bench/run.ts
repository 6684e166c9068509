/**
 * Measures the compiled program: `npm run bench` runs everything, `npm run bench -- start size` what is named.
 * `--binary PATH` measures another executable instead of building this one.
 */

import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { appendLatency } from "./append-latency.ts";
import { churn } from "./churn.ts";
import { commitLatency } from "./commit-latency.ts";
import { fanOut } from "./fan-out.ts";
import { idle } from "./idle.ts";
import { importing } from "./import.ts";
import { pgLatency } from "./pg-latency.ts";
import { pgPush } from "./pg-push.ts";
import { pgScale } from "./pg-scale.ts";
import { size } from "./size.ts";
import { start } from "./start.ts";
import { formatFigures } from "./support/figures.ts";
import type { Bench } from "./support/figures.ts";
import { machineFacts, noise } from "./support/machine.ts";

const ROOT = join(import.meta.dir, "..");

const BENCHES = new Map<string, Bench>([
  ["size", size],
  ["start", start],
  ["commit-latency", commitLatency],
  ["append-latency", appendLatency],
  ["pg-latency", pgLatency],
  ["pg-scale", pgScale],
  ["import", importing],
  ["idle", idle],
  ["fan-out", fanOut],
  ["churn", churn],
  ["pg-push", pgPush],
]);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { binary: { type: "string" } },
});
const unknown = positionals.filter((name) => !BENCHES.has(name));
if (unknown.length > 0) {
  console.error(`no such bench: ${unknown.join(", ")}; there are ${[...BENCHES.keys()].join(", ")}`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "sessionwatch-bench-"));
try {
  // A copy: a build that runs meanwhile must not change what is measured.
  const binary = join(folder, "watch");
  copyFileSync(values.binary ?? build(), binary);

  console.log(`${machineFacts()}\nbefore: ${await noise()}`);
  for (const [name, bench] of BENCHES) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    console.log(`\n${formatFigures(name, await bench({ binary }))}`);
  }
  console.log(`\nafter: ${await noise()}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** @returns the path of the executable. */
function build(): string {
  const { exitCode } = Bun.spawnSync([process.execPath, "run", "build.ts"], {
    cwd: ROOT,
    stdout: "ignore",
    stderr: "inherit",
  });
  if (exitCode !== 0) throw new Error("cannot build the executable");
  return join(ROOT, "dist/watch");
}
