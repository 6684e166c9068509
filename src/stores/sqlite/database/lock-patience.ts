/** Waits for locks without blocking the event loop. */

import { pause } from "../../../async/abortable.ts";
import type { Clock } from "../../../async/clock.ts";
import { isBusy } from "./busy.ts";

/** What a lock is waited for. */
export interface LockPatience {
  /** How long (ms) at most. */
  patienceMs: number;
  /** Longest pause (ms) between two tries. */
  retryMs: number;
}

/**
 * Tries at once, and again for as long as nothing but a lock is in the way.
 *
 * @throws what `attempt` throws in the end.
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
