/** Whether the archive can be read, since when not, and when to try again. */

import { messageOf } from "../../errors.ts";
import { backoffMs } from "../../async/backoff.ts";
import type { StatusEvent } from "../../session/events.ts";

/** An archive that cannot be read for this long (ms) is reported as degraded: a commit or a rename is shorter. */
const DEGRADED_AFTER_MS = 1000;
/** First wait (ms) before the next try; doubles up to the poll interval. */
const FIRST_RETRY_MS = 50;

export type Outage =
  | { mode: "none" }
  /** Not reported yet: it may be over in a moment. */
  | { mode: "short"; sinceMs: number; tries: number }
  /** Subscribers know. */
  | { mode: "reported"; sinceMs: number; tries: number; event: StatusEvent };

export const NO_OUTAGE: Outage = { mode: "none" };

/** @param askedMs when the archive was asked: it may take its time to fail. */
export function afterFailure(outage: Outage, error: unknown, askedMs: number, nowMs: number): Outage {
  const sinceMs = outage.mode === "none" ? askedMs : outage.sinceMs;
  const tries = outage.mode === "none" ? 1 : outage.tries + 1;
  if (outage.mode === "reported") return { ...outage, tries };
  if (nowMs - sinceMs < DEGRADED_AFTER_MS) return { mode: "short", sinceMs, tries };
  return { mode: "reported", sinceMs, tries, event: { event: "degraded", data: messageOf(error) } };
}

/** @returns the event for subscribers when `outage` becomes `next`; null for none. */
export function statusAfter(outage: Outage, next: Outage): StatusEvent | null {
  if (outage.mode !== "reported" && next.mode === "reported") return next.event;
  if (outage.mode === "reported" && next.mode === "none")
    return { event: "recovered", data: "the archive can be read again" };
  return null;
}

/** @returns how long (ms) to wait before the next read. */
export function retryMs(outage: Outage, pollIntervalMs: number): number {
  if (outage.mode === "none") return pollIntervalMs;
  return backoffMs(outage.tries, { firstMs: FIRST_RETRY_MS, maxMs: pollIntervalMs });
}
