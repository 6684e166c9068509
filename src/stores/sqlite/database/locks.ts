/** Waits for locks that other connections hold, without blocking the event loop. */

import type { Clock } from "../../../async/clock.ts";
import { WatchError } from "../../../errors.ts";

export interface LockWait {
  /** How long (ms) a lock may be in the way. */
  patienceMs: number;
  /** Longest pause (ms) between two attempts. */
  retryMs: number;
}

/**
 * Attempts at once, and again while a lock is in the way.
 *
 * @throws what `attempt` throws: an error of another kind at once, a lock after `patienceMs`.
 */
export async function whileLocked<T>(
  attempt: () => T,
  clock: Clock,
  { patienceMs, retryMs }: LockWait,
): Promise<T> {
  for (const deadlineMs = clock.now() + patienceMs; ; await randomPause(retryMs, clock)) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || clock.now() > deadlineMs) throw error;
    }
  }
}

/** @returns whether a lock is in the way. Deno's errors carry no number, so the message decides on both runtimes. */
export function isBusy(error: unknown): boolean {
  if (error instanceof WatchError) return isBusy(error.cause);
  return error instanceof Error && /^database (table |schema )?is locked/.test(error.message);
}

/** Random, so that two processes that wait for each other do not meet again. */
function randomPause(maxMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => void clock.after(Math.random() * maxMs, resolve));
}
