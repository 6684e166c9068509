/** Why a transcript cannot be read. */

import { messageOf, WatchError } from "../../errors.ts";
import { RewrittenError } from "./chunks.ts";

/** The file was removed after it was listed. */
export class VanishedError extends Error {
  override readonly name = "VanishedError";
}

/**
 * Marks disk errors, so that they are not reported as archive errors.
 *
 * @returns a WatchError `transcript_unreadable`; but what is no failure of the disk stays what it is: a VanishedError, a
 *   RewrittenError.
 */
export function unreadable(
  path: string,
  cause: unknown,
  what: "transcript" | "folder" | "database" | "document" = "transcript",
): Error {
  if (cause instanceof WatchError || cause instanceof VanishedError || cause instanceof RewrittenError)
    return cause;
  const text = `Cannot read ${what} ${JSON.stringify(path)}: ${messageOf(cause)}`;
  const isGone = (cause as NodeJS.ErrnoException | null)?.code === "ENOENT";
  return isGone
    ? new VanishedError(text, { cause })
    : new WatchError("transcript_unreadable", text, { cause });
}

/** A file or a folder that cannot be read, and why. */
export interface Unreadable {
  path: string;
  error: unknown;
}
