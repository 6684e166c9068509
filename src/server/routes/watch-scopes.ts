/** `GET /api/v1/events`: in which scope anything has changed, as agentsview's pages expect it. */

import * as v from "valibot";
import type { Clock } from "../../async/clock.ts";
import type { Watcher } from "../../watch/watcher.ts";
import { streamOf } from "../openapi/common-answers.ts";
import { lastEventIdHeader, lastEventIdParameter } from "../request/parameters.ts";
import type { Route } from "../route.ts";
import { scopesAsLines, scopesAsSse } from "../streams/formats.ts";
import { Scopes } from "../streams/scopes.ts";
import { cursorOf, positionBefore, streamRoute, wantsLines } from "./stream-route.ts";
import type { StreamRouteOptions } from "./stream-route.ts";

export interface WatchScopesOptions extends StreamRouteOptions {
  watcher: Watcher;
  clock: Clock;
}

const scopesQuery = v.object({ last_event_id: lastEventIdParameter });

export function watchScopes(options: WatchScopesOptions): Route {
  const { watcher, clock } = options;
  const formats = { sse: scopesAsSse(watcher.epoch), lines: scopesAsLines(watcher.epoch) };
  return streamRoute(
    {
      path: "/api/v1/events",
      id: "watchScopes",
      summary: "In which scope anything has changed, for clients that fetch the rest themselves",
      request: { query: scopesQuery, headers: lastEventIdHeader },
      answers: streamOf("ScopesEvent", "The scope, as an object; the time in a heartbeat."),
      async open(input, c) {
        const since = cursorOf(input);
        const changes = watcher.eventsOf(
          { sessions: "all", filter: {} },
          since === undefined ? {} : { since },
        );
        const { isReset, cursor } = await changes.ready;
        const read = isReset ? cursor : (since ?? cursor);
        const source = new Scopes(changes, clock, read.sequence);
        if (isReset) source.missedEverything();
        const format = wantsLines(c) ? formats.lines : formats.sse;
        return { source, format, opening: format.opening(positionBefore(since, cursor), clock.date()) };
      },
    },
    options,
  );
}
