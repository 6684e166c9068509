/** Runs one `bun test`, shows its output as it comes, and keeps it. */

import { existsSync, readFileSync, rmSync } from "node:fs";

export interface BunTestOptions {
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** Where the JUnit report is written. */
  reportPath: string;
  /** @default standard error */
  show?: (chunk: Uint8Array) => void;
}

export interface BunTestRun {
  exitCode: number;
  output: string;
  /** Empty if there is none: `bun test` has been killed. */
  report: string;
}

export async function bunTest(args: readonly string[], options: BunTestOptions): Promise<BunTestRun> {
  const { cwd, env, reportPath, show = (chunk) => process.stderr.write(chunk) } = options;
  // A run that is killed must not be taken for the one before it.
  rmSync(reportPath, { force: true });
  const reporting = ["--reporter=junit", `--reporter-outfile=${reportPath}`];
  const tests = Bun.spawn([process.execPath, "test", ...reporting, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "inherit",
    stderr: "pipe",
  });
  const stop = (): void => tests.kill("SIGTERM");
  process.once("SIGTERM", stop);
  let output = "";
  const decoder = new TextDecoder();
  for await (const chunk of tests.stderr) {
    output += decoder.decode(chunk, { stream: true });
    show(chunk);
  }
  const exitCode = await tests.exited;
  process.off("SIGTERM", stop);
  return { exitCode, output, report: existsSync(reportPath) ? readFileSync(reportPath, "utf8") : "" };
}
