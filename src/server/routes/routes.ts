/** Every route of the server. */

import { Readiness } from "../monitoring/readiness.ts";
import type { MetricsOptions, MetricsSources } from "../monitoring/metrics.ts";
import type { Store } from "../../watch/ports.ts";
import type { Route } from "../route.ts";
import { describeApi } from "./describe-api.ts";
import { exposeMetrics } from "./expose-metrics.ts";
import { getSession } from "./get-session.ts";
import { healthz, ping, readyz } from "./health.ts";
import { listMessages } from "./list-messages.ts";
import { listSessions } from "./list-sessions.ts";
import { servePage } from "./serve-page.ts";
import type { PageFiles } from "./serve-page.ts";
import { syncSession } from "./sync-session.ts";
import type { SyncSession } from "./sync-session.ts";
import { watchScopes } from "./watch-scopes.ts";
import { watchSession } from "./watch-session.ts";
import type { WatchSessionOptions } from "./watch-session.ts";
import { watchSessions } from "./watch-sessions.ts";

export interface RoutesOptions extends WatchSessionOptions, MetricsOptions {
  store: Store;
  page: PageFiles;
  sync: SyncSession;
  metrics: MetricsSources;
  pid: number;
}

/** @returns the routes in the order in which they are tried. */
export function allRoutes(options: RoutesOptions): Route[] {
  const { store, clock, admission, page, sync, metrics, version, pid } = options;
  const routes = [
    ...servePage(page),
    ping(version, pid),
    healthz(),
    readyz(admission, new Readiness(store, clock)),
    exposeMetrics(metrics, options),
    listSessions(store),
    // Before the sessions: `sync` is no id.
    syncSession(store, sync),
    getSession(store),
    listMessages(store),
    watchSession(options),
    watchSessions(options),
    watchScopes(options),
  ];
  const described = routes.filter(({ isHidden = false }) => !isHidden);
  return [...routes, describeApi(version, described)];
}
