/** How a command ends: exit codes, and the signals that stop it. */

import process from "node:process";
import { WatchError } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";
import { systemClock } from "../runtime/clock.ts";

/** `timeout` is the code of coreutils' timeout; the last two are 128 plus the signal's number, as in shells. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 4,
  timeout: 124,
  interrupted: 130,
  terminated: 143,
} as const;

/** Takes the exit code of the command that ran. */
export type Done = (exitCode: number) => void;

const EXIT_CODES: Partial<Record<ErrorCode, number>> = {
  usage: EXIT.usage,
  session_not_found: EXIT.notFound,
};

/** @returns the exit code of a command that failed with this error. */
export function exitCodeOf(error: unknown): number {
  return error instanceof WatchError ? (EXIT_CODES[error.code] ?? EXIT.failed) : EXIT.failed;
}

/** Why a command was asked to stop. */
export class Stop {
  readonly exitCode: number;

  constructor(exitCode: number) {
    this.exitCode = exitCode;
  }
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** How long (ms) stopping may take: a file system that does not answer must not block it. */
const STOP_MS = 1500;

/**
 * @returns a controller that aborts at the first SIGINT or SIGTERM, with a Stop as its reason. A second signal ends the
 * process at once. If stopping takes too long, the program sends itself that second signal.
 */
export function stopOnSignal(): AbortController {
  const stopping = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    // Restores the default action of both signals.
    for (const name of SIGNALS) process.off(name, stop);
    stopping.abort(new Stop(signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated));
    systemClock.after(STOP_MS, () => process.kill(process.pid, signal));
  };
  for (const name of SIGNALS) process.on(name, stop);
  return stopping;
}
