/** How a command ends: the exit codes, and what leads to them. */

import process from "node:process";
import { WatchError } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";

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

/**
 * @returns a controller that aborts, with a Stop as its reason, at the first SIGINT or SIGTERM. A second one ends the
 * process at once, as it does by default.
 */
export function untilSignalled(): AbortController {
  const stopping = new AbortController();
  process.once("SIGINT", () => stopping.abort(new Stop(EXIT.interrupted)));
  process.once("SIGTERM", () => stopping.abort(new Stop(EXIT.terminated)));
  return stopping;
}
