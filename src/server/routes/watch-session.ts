/** `GET /api/v1/sessions/{id}/watch`: the changes of one session. */

import * as v from "valibot";
import type { Clock } from "../../async/clock.ts";
import { DELETED } from "../../session/session.ts";
import type { Store } from "../../watch/ports.ts";
import type { Watcher } from "../../watch/watcher.ts";
import { NO_SUCH_SESSION, streamOf } from "../openapi/common-answers.ts";
import { lastEventIdHeader, lastEventIdParameter, sessionInPath } from "../request/parameters.ts";
import type { Route } from "../route.ts";
import { oneAsLines, oneAsSse } from "../streams/formats.ts";
import { lastEventIdOf, streamRoute, wantsLines } from "./stream-route.ts";
import type { StreamRouteOptions } from "./stream-route.ts";

export interface WatchSessionOptions extends StreamRouteOptions {
  store: Store;
  watcher: Watcher;
  clock: Clock;
}

const watchQuery = v.object({
  data: v.optional(
    v.pipe(
      v.picklist(["id", "json"], "use id or json"),
      v.description("The data of an event: the bare id of the session, or a JSON object."),
    ),
    "id",
  ),
  last_event_id: lastEventIdParameter,
});

export function watchSession(options: WatchSessionOptions): Route {
  const { store, watcher, clock } = options;
  const formats = { id: oneAsSse("id"), json: oneAsSse("json"), lines: oneAsLines() };
  return streamRoute(
    {
      path: "/api/v1/sessions/{id}/watch",
      id: "watchSession",
      summary: "The changes of one session, as they happen",
      description: "The ids of events are versions: they stay valid when the server is restarted.",
      request: { params: sessionInPath, query: watchQuery, headers: lastEventIdHeader },
      answers: {
        ...streamOf(
          "SessionEvent",
          "The session's id, or with data=json the object of a JSON line; the time in a heartbeat.",
        ),
        ...NO_SUCH_SESSION,
      },
      async open(input, c) {
        const { id } = input.params;
        const since = lastEventIdOf(input);
        const isKnown = since !== undefined && (isVersion(since) || (await store.get(id)) !== null);
        const source = watcher.events(id, isKnown ? { since } : {});
        const session = await source.ready;
        // A client that resumes stands at its own cursor until it gets what it missed.
        const cursor = isKnown ? since.replaceAll(/[\0\r\n]/g, "") : (session?.version ?? DELETED);
        const format = wantsLines(c) ? formats.lines : formats[input.query.data];
        return { source, format, opening: format.opening(cursor, clock.date()) };
      },
    },
    options,
  );
}

/** A cursor that a server of ours may have sent proves that the session existed once, even if it is gone now. */
function isVersion(cursor: string): boolean {
  return cursor === DELETED || /^[\w-]{16}$/.test(cursor);
}
