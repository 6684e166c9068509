/** `GET /api/v1/sessions/{id}/messages`: a page of a session's messages. */

import * as v from "valibot";
import type { Store } from "../../watch/ports.ts";
import { json, NO_SUCH_SESSION, UNAVAILABLE } from "../openapi/common-answers.ts";
import { limit, sessionInPath, whole } from "../request/parameters.ts";
import { route } from "../route.ts";
import type { Route } from "../route.ts";
import { foundSession } from "./get-session.ts";

const messageQuery = v.object({
  from: v.exactOptional(
    v.pipe(
      whole(0, Number.MAX_SAFE_INTEGER),
      v.description("First ordinal: at least this when ascending, at most this when descending."),
    ),
  ),
  limit,
  direction: v.exactOptional(
    v.pipe(
      v.picklist(["asc", "desc"], "use asc or desc"),
      v.description("The order of ordinals; asc by default."),
    ),
  ),
});

export function listMessages(store: Store): Route {
  return route({
    method: "GET",
    path: "/api/v1/sessions/{id}/messages",
    policy: "guarded",
    id: "listMessages",
    tag: "sessions",
    summary: "The messages of one session, with their tool calls",
    request: { params: sessionInPath, query: messageQuery },
    answers: { ...json("One page of messages.", "MessagePage"), ...NO_SUCH_SESSION, ...UNAVAILABLE },
    async handle({ params, query }, c) {
      await foundSession(store, params.id);
      const messages = await store.messages(params.id, query);
      return c.json({ messages, count: messages.length });
    },
  });
}
