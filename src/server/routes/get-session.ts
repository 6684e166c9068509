/** `GET /api/v1/sessions/{id}`: one session. */

import { sessionNotFound } from "../../errors.ts";
import type { Session, SessionId } from "../../session/session.ts";
import type { Store } from "../../watch/ports.ts";
import { json, NO_SUCH_SESSION, UNAVAILABLE } from "../openapi/common-answers.ts";
import { sessionInPath } from "../request/parameters.ts";
import { route } from "../route.ts";
import type { Route } from "../route.ts";

export function getSession(store: Store): Route {
  return route({
    method: "GET",
    path: "/api/v1/sessions/{id}",
    policy: "guarded",
    id: "getSession",
    tag: "sessions",
    summary: "One session",
    request: { params: sessionInPath },
    answers: { ...json("The session.", "Session"), ...NO_SUCH_SESSION, ...UNAVAILABLE },
    handle: async ({ params }, c) => c.json(await foundSession(store, params.id)),
  });
}

/** @throws WatchError `session_not_found` */
export async function foundSession(store: Store, id: SessionId): Promise<Session> {
  const session = await store.get(id);
  if (session === null) throw sessionNotFound(id);
  return session;
}
