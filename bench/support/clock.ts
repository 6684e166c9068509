/** Time for measuring, comparable between processes of one machine. */

import { setTimeout as sleep } from "node:timers/promises";

/**
 * Milliseconds since the epoch with a resolution of microseconds: CLOCK_REALTIME when the process started, and
 * CLOCK_MONOTONIC from there. On Bun it agrees with clock_gettime(CLOCK_REALTIME) to 1 µs in every process,
 * while `process.hrtime` counts from the start of its own process.
 */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Waits a random time (ms), so that nothing falls into step with a timer of the measured program. */
export async function randomPause(minMs: number, maxMs: number): Promise<void> {
  await sleep(minMs + Math.random() * (maxMs - minMs));
}
