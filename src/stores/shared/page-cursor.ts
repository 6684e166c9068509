/** The cursor of a list: where a page ends, as text that clients send back. */

import { WatchError } from "../../errors.ts";
import type { SessionId } from "../../session/session.ts";

/** The last session of a page: its last activity as the archive stores it, and its id. */
export type PageEnd = readonly [activity: string, id: SessionId];

export function encodeCursor(end: PageEnd): string {
  return Buffer.from(JSON.stringify(end)).toString("base64url");
}

/** @throws WatchError `usage` if no server of ours has made the cursor. */
export function decodeCursor(cursor: string): PageEnd {
  try {
    const [activity, id] = JSON.parse(Buffer.from(cursor, "base64url").toString()) as unknown[];
    if (typeof activity === "string" && typeof id === "string") return [activity, id];
  } catch (error) {
    throw notOurs(error);
  }
  throw notOurs();
}

/** @param cause the archive's error, if the archive has refused the cursor. */
export function notOurs(cause?: unknown): WatchError {
  const help = "cursor: not one that this server gave; leave it out to start at the first page";
  return new WatchError("usage", help, { cause });
}
