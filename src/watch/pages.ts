/** Lists that come in pages. */

import type { SessionPage } from "./ports.ts";
import type { Session } from "../session/session.ts";

/**
 * Every session of a list, newest activity first. One that changes meanwhile may move to the front, and so be left out.
 *
 * @param pageAfter reads the page after a cursor; the first one after none.
 */
export async function* everySession(
  pageAfter: (cursor: string | undefined) => Promise<Omit<SessionPage, "total">>,
): AsyncGenerator<Session, void, void> {
  let cursor: string | undefined;
  do {
    const { sessions, nextCursor } = await pageAfter(cursor);
    yield* sessions;
    cursor = nextCursor ?? undefined;
  } while (cursor !== undefined);
}
