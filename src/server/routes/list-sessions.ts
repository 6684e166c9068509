/** `GET /api/v1/sessions`: a page of sessions. */

import * as v from "valibot";
import type { Store } from "../../watch/ports.ts";
import { json, UNAVAILABLE } from "../openapi/common-answers.ts";
import { AGENTSVIEW_LIST_PARAMETERS } from "../request/agentsview-parameters.ts";
import { limit, text, traits } from "../request/parameters.ts";
import { route } from "../route.ts";
import type { Route } from "../route.ts";

const listQuery = v.object({
  ...traits,
  active_since: v.exactOptional(
    v.pipe(
      v.string(),
      v.check((text) => !Number.isNaN(Date.parse(text)), "use a time such as 2026-01-31T12:00:00Z"),
      v.transform((text) => new Date(text).toISOString()),
      v.string(),
      v.isoTimestamp(),
      v.description("Only sessions that were active at this time or later."),
    ),
  ),
  limit,
  cursor: text("The next_cursor of an earlier page."),
});

export function listSessions(store: Store): Route {
  return route({
    method: "GET",
    path: "/api/v1/sessions",
    policy: "guarded",
    id: "listSessions",
    tag: "sessions",
    summary: "Sessions, newest activity first",
    request: { query: listQuery },
    ignoredParameters: AGENTSVIEW_LIST_PARAMETERS,
    answers: { ...json("One page of sessions.", "SessionPage"), ...UNAVAILABLE },
    async handle({ query }, c) {
      const { active_since: activeSince, ...rest } = query;
      const { sessions, nextCursor, total } = await store.list(
        activeSince === undefined ? rest : { ...rest, activeSince },
      );
      return c.json({ sessions, next_cursor: nextCursor, total });
    },
  });
}
