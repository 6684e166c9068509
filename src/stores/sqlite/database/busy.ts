/** Tells locks from other errors. */

import { WatchError } from "../../../errors.ts";

/** @returns whether another connection holds a lock. Deno's errors have no number, so the message decides. */
export function isBusy(error: unknown): boolean {
  if (error instanceof WatchError) return isBusy(error.cause);
  return error instanceof Error && /^database (table |schema )?is locked/.test(error.message);
}
