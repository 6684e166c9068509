/** Where a page of a list ends, as text that clients hand back. */

import { WatchError } from "../../errors.ts";
import type { SessionId } from "../../session/session.ts";

/** The last session of a page: when it was last active, as its archive has it, and its id. */
export type PageEnd = readonly [activity: string, id: SessionId];

export function encodeCursor(end: PageEnd): string {
  return Buffer.from(JSON.stringify(end)).toString("base64url");
}

/** @throws WatchError `usage` if the cursor is none of ours. */
export function decodeCursor(cursor: string): PageEnd {
  try {
    const [activity, id] = JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown[];
    if (typeof activity === "string" && typeof id === "string") return [activity, id];
  } catch (error) {
    throw notOurs(error);
  }
  throw notOurs();
}

/** @param cause what the archive said of the text in it, if that is how it was found out. */
export function notOurs(cause?: unknown): WatchError {
  const help = "cursor: not one that this server gave; leave it out to start at the first page";
  return new WatchError("usage", help, { cause });
}
