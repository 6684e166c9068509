/** Runs another program to its end, or to its deadline: `delegate.ts` needs it, transcripts do not. */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import process from "node:process";
import type { Readable } from "node:stream";
import type { Clock } from "../async/clock.ts";

/** Characters of each output that are kept. */
const OUTPUT_MAX = 64 * 1024;
/** How long (ms) to wait for the output of a program that has ended: one that it left running may hold it open. */
const OUTPUT_GRACE_MS = 100;

export interface RunOptions {
  env: NodeJS.ProcessEnv;
  cwd: string;
  clock: Clock;
  /** In ms; then the process and its children are killed. */
  deadlineMs: number;
  /** Kills it, too. */
  signal: AbortSignal;
}

export interface Ended {
  /** Null if it was killed. */
  exitCode: number | null;
  /** It was killed because it took longer than it may. */
  isLate: boolean;
  stdout: string;
  stderr: string;
}

/**
 * Nothing of its output reaches ours, and it has no input.
 *
 * @throws what the system says if it cannot be started.
 */
export async function run(path: string, args: readonly string[], options: RunOptions): Promise<Ended> {
  const { env, cwd, clock, deadlineMs, signal } = options;
  // A group of its own, where there are groups: what it has started can be killed with it.
  const detached = process.platform !== "win32";
  const child = spawn(path, args, {
    env,
    cwd,
    detached,
    windowsHide: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { promise: ended, resolve, reject } = Promise.withResolvers<number | null>();
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const timers: (() => void)[] = [];
  let isLate = false;
  let isRunning = true;
  const kill = (): void => {
    if (isRunning) killGroup(child);
  };
  timers.push(
    clock.after(deadlineMs, () => {
      isLate = isRunning;
      kill();
    }),
  );
  signal.addEventListener("abort", kill, { once: true });
  child.once("error", reject);
  child.once("close", resolve);
  child.once("exit", (exitCode) => {
    isRunning = false;
    timers.push(clock.after(OUTPUT_GRACE_MS, () => resolve(exitCode)));
  });
  try {
    const exitCode = await ended;
    return { exitCode, isLate, stdout: stdout(), stderr: stderr() };
  } finally {
    for (const cancel of timers) cancel();
    signal.removeEventListener("abort", kill);
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid !== undefined && process.platform !== "win32") {
    try {
      process.kill(-child.pid, "SIGKILL");
      return;
    } catch {
      // No such group (yet): then there is only the program itself.
    }
  }
  child.kill("SIGKILL");
}

/** Reads all, so that the program never waits for us, and keeps the beginning. */
function collect(stream: Readable | null): () => string {
  let text = "";
  stream?.setEncoding("utf8").on("data", (chunk: string) => {
    text = (text + chunk).slice(0, OUTPUT_MAX);
  });
  return () => text;
}
