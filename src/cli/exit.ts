/** How a command ends: the exit codes, and what leads to them. */

import process from "node:process";
import { WatchError } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";
import { systemClock } from "../runtime/clock.ts";

/** `timeout` is the code of coreutils' timeout; the last two are 128 and the signal's number, as shells have it. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 4,
  timeout: 124,
  interrupted: 130,
  terminated: 143,
} as const;

const EXIT_CODES: Partial<Record<ErrorCode, number>> = {
  usage: EXIT.usage,
  session_not_found: EXIT.notFound,
};

/** @returns the code of a command that this error has ended. */
export function exitCodeOf(error: unknown): number {
  return error instanceof WatchError ? (EXIT_CODES[error.code] ?? EXIT.failed) : EXIT.failed;
}

/** Why a command was told to stop. */
export class Stop {
  readonly exitCode: number;

  constructor(exitCode: number) {
    this.exitCode = exitCode;
  }
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** How long (ms) stopping may take: a file system that does not answer is not waited for. */
const STOP_MS = 1500;

/**
 * @returns a controller that aborts, with a Stop as its reason, at the first SIGINT or SIGTERM. A second one of
 * either kind ends the process at once, as it does by default; it comes by itself when stopping takes too long.
 */
export function stopOnSignal(): AbortController {
  const stopping = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    // From now on either of them does what it does by default.
    for (const name of SIGNALS) process.off(name, stop);
    stopping.abort(new Stop(signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated));
    systemClock.after(STOP_MS, () => process.kill(process.pid, signal));
  };
  for (const name of SIGNALS) process.on(name, stop);
  return stopping;
}
