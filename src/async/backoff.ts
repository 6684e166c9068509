/** How long to wait after failures. */

export interface Backoff {
  /** Wait (ms) after the first failure. */
  firstMs: number;
  /** Longest wait (ms). */
  maxMs: number;
}

/** @param failures in a row: 1, 2, … @returns the wait in ms, which doubles from the first to the longest. */
export function backoffMs(failures: number, { firstMs, maxMs }: Backoff): number {
  return Math.min(firstMs * 2 ** (failures - 1), maxMs);
}
