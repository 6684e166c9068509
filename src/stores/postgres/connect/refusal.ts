/** How an archive's URL is refused. */

import { WatchError } from "../../../errors.ts";

/** @param reason what is wrong and what would be right, on one line, and nothing of what may be a password. */
export function refused(reason: string): WatchError {
  return new WatchError("usage", `--db: ${reason}`);
}
