/** `GET /api/v1/watch`: the changes of many sessions on one stream. */

import * as v from "valibot";
import type { Clock } from "../../async/clock.ts";
import { formatCursor } from "../../watch/cursor.ts";
import type { Watcher } from "../../watch/watcher.ts";
import { NO_SUCH_SESSION, streamOf } from "../openapi/common-answers.ts";
import { lastEventIdHeader, lastEventIdParameter, traits } from "../request/parameters.ts";
import type { Route } from "../route.ts";
import { manyAsLines, manyAsSse } from "../streams/formats.ts";
import { cursorOf, positionBefore, streamRoute, wantsLines } from "./stream-route.ts";
import type { StreamRouteOptions } from "./stream-route.ts";

export interface WatchSessionsOptions extends StreamRouteOptions {
  watcher: Watcher;
  clock: Clock;
}

/** More do not fit into the head of a request anyway. */
const MAX_SESSIONS = 1000;
/** Sent to a client whose cursor is from another run of the server. */
const RESET_REASON = "the server was restarted: fetch the list again";

const manyQuery = v.pipe(
  v.object({
    session: v.exactOptional(
      v.pipe(
        v.array(v.string()),
        v.maxLength(MAX_SESSIONS, `name at most ${MAX_SESSIONS} sessions, or all=true`),
        v.description("The id of a session to watch; repeat it for each."),
      ),
    ),
    all: v.exactOptional(
      v.pipe(
        v.picklist(["true", "false"], "use true"),
        v.description("Watch every session, also those that start later."),
      ),
    ),
    ...traits,
    last_event_id: lastEventIdParameter,
  }),
  v.check(
    ({ session, all, project, agent, machine }) =>
      [session, project, agent, machine].some(Boolean) || all === "true",
    "name what to watch: session=<id> (repeatable), all=true, or project=, agent=, machine=",
  ),
  v.check(
    ({ session, all }) => session === undefined || all !== "true",
    "use either session=<id> or all=true",
  ),
);

export function watchSessions(options: WatchSessionsOptions): Route {
  const { watcher, clock } = options;
  const formats = { sse: manyAsSse(watcher.epoch), lines: manyAsLines(watcher.epoch) };
  return streamRoute(
    {
      path: "/api/v1/watch",
      id: "watchSessions",
      summary: "The changes of many sessions on one stream, as they happen",
      description: "Needs session, all=true, or at least one of project, agent and machine.",
      request: { query: manyQuery, headers: lastEventIdHeader },
      answers: {
        ...streamOf("SessionsEvent", "The object of a JSON line; the time in a heartbeat."),
        ...NO_SUCH_SESSION,
      },
      async open(input, c) {
        const { session, all: _, last_event_id: __, ...filter } = input.query;
        const since = cursorOf(input);
        const selection = { sessions: session ?? ("all" as const), filter };
        const source = watcher.eventsOf(selection, since === undefined ? {} : { since });
        const { isReset, cursor } = await source.ready;
        const format = wantsLines(c) ? formats.lines : formats.sse;
        const reset = isReset ? { reason: RESET_REASON, cursor: formatCursor(cursor) } : undefined;
        const opening = format.opening(positionBefore(since, cursor), clock.date(), reset);
        return { source, format, opening };
      },
    },
    options,
  );
}
