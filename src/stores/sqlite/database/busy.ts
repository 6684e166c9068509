/** Whether somebody else holds a lock on the database. */

import { WatchError } from "../../../errors.ts";

/** Deno's errors carry no number, so the message has to do on both runtimes. */
export function isBusy(error: unknown): boolean {
  if (error instanceof WatchError) return isBusy(error.cause);
  return error instanceof Error && /^database (table |schema )?is locked/.test(error.message);
}
