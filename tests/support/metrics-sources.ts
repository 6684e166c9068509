/** Metrics of an idle server. */

import { Measurements } from "../../src/server/monitoring/measurements.ts";
import type { MetricsSources } from "../../src/server/monitoring/metrics.ts";

export function someSources(): MetricsSources {
  return {
    measured: new Measurements(),
    feed: () => ({ updates: 7, coalesced: 2, subscribers: 3, isDegraded: true }),
    sync: () => ({ failures: 1, backlog: 4 }),
    process: {
      startedSeconds: 1_750_000_000,
      residentBytes: () => 50_000_000,
      cpuSeconds: () => 1.5,
      openFiles: async () => 12,
    },
  };
}
