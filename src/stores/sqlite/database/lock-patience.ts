/** Waits for locks without blocking the event loop. */

import { pause } from "../../../async/abortable.ts";
import type { Clock } from "../../../async/clock.ts";
import { isBusy } from "./busy.ts";

/** How long to wait for a lock. */
export interface LockPatience {
  /** Longest wait (ms) in all. */
  patienceMs: number;
  /** Longest pause (ms) between two attempts. */
  retryMs: number;
}

/**
 * Attempts at once, and again while a lock is in the way.
 *
 * @throws what `attempt` throws: another error at once, a lock after `patienceMs`.
 */
export async function withLock<T>(attempt: () => T, clock: Clock, options: LockPatience): Promise<T> {
  const { patienceMs, retryMs } = options;
  const deadlineMs = clock.now() + patienceMs;
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || clock.now() > deadlineMs) throw error;
    }
    await pause(Math.random() * retryMs, clock, NEVER);
  }
}

const NEVER = new AbortController().signal;
