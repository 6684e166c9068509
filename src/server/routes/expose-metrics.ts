/** `GET /metrics`: what the server measures, for Prometheus. */

import { EXPOSITION_TYPE } from "../monitoring/exposition.ts";
import { metricsText } from "../monitoring/metrics.ts";
import type { MetricsOptions, MetricsSources } from "../monitoring/metrics.ts";
import { route } from "../route.ts";
import type { Route } from "../route.ts";

export function exposeMetrics(sources: MetricsSources, options: MetricsOptions): Route {
  return route({
    method: "GET",
    path: "/metrics",
    policy: "guarded",
    id: "metrics",
    tag: "operations",
    summary: "The server's metrics, for Prometheus",
    request: {},
    answers: {
      200: {
        description: "All metrics.",
        content: { "text/plain": { text: "Prometheus's text format, 0.0.4" } },
      },
    },
    handle: async (_input, c) =>
      c.body(await metricsText(sources, options), 200, { "content-type": EXPOSITION_TYPE }),
  });
}
