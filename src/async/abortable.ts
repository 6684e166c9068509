/** Waits that a signal ends. */

import type { Clock } from "./clock.ts";

/** @returns what `promise` resolves to. @throws what it rejects with; the signal's reason if that aborts first. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Waits for `ms`. @throws the signal's reason if it aborts first. */
export async function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, resolve);
  try {
    await abortable(over, signal);
  } finally {
    cancel();
  }
}
