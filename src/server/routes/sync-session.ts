/** `POST /api/v1/sessions/sync`: brings one session up to date with its transcript. */

import * as v from "valibot";
import type { SessionId } from "../../session/session.ts";
import type { Store } from "../../watch/ports.ts";
import { BAD_HOST, failed, FORBIDDEN, json, UNAVAILABLE } from "../openapi/common-answers.ts";
import { text } from "../request/parameters.ts";
import { route } from "../route.ts";
import type { Route } from "../route.ts";
import { foundSession } from "./get-session.ts";

/** A session, or the one that a transcript belongs to. */
export type SyncTarget = { id: string } | { path: string };

/**
 * Brings one session up to date with its transcript.
 *
 * @throws WatchError `session_not_found`; `forbidden` for a path where no agent keeps transcripts; `transcript_unreadable`.
 */
export type SyncSession = (target: SyncTarget) => Promise<SessionId>;

const HELP = 'send {"id":"<session>"} or {"path":"<transcript>"}';

const syncBody = v.pipe(
  v.object(
    {
      id: text("The session whose transcript to read."),
      path: text("The transcript: an absolute path in a folder where its agent keeps transcripts."),
    },
    HELP,
  ),
  v.check(({ id, path }) => (id === undefined) !== (path === undefined), HELP),
);

export function syncSession(store: Store, sync: SyncSession): Route {
  return route({
    method: "POST",
    path: "/api/v1/sessions/sync",
    policy: "guarded",
    id: "syncSession",
    tag: "sessions",
    summary: "Bring one session up to date with its transcript",
    description: "Names either the session or its transcript.",
    request: { body: syncBody },
    answers: {
      ...json("The session as it is now.", "Session"),
      400: failed(`The body has a wrong form; the error says what to send instead. ${BAD_HOST}`),
      403: failed(`No agent keeps transcripts at this path, or this server syncs nothing. ${FORBIDDEN}`),
      404: failed("There is no such session, or it has no transcript."),
      408: failed("The body did not arrive in time."),
      413: failed("The body is too large."),
      415: failed("The body is not JSON."),
      503: { ...UNAVAILABLE[503], description: "The archive or the transcript cannot be read now." },
    },
    async handle({ body: { id, path = "" } }, c) {
      const synced = await sync(id === undefined ? { path } : { id });
      return c.json(await foundSession(store, synced));
    },
  });
}
