import { expect, test } from "bun:test";
import { metricsText } from "../../../src/server/monitoring/metrics.ts";
import type { MetricsSources } from "../../../src/server/monitoring/metrics.ts";
import { samplesOf } from "../../support/exposition.ts";
import { someSources } from "../../support/metrics-sources.ts";

test("metricsText() reads every value anew", async () => {
  let updates = 7;
  const feed = someSources().feed;
  const { samples } = reading({ ...someSources(), feed: () => ({ ...feed(), updates }) });
  expect((await samples()).get("sessionwatch_updates_total")).toBe(7);
  updates = 9;
  const single = [...(await samples())].filter(([name]) => !/streams|lag|look|sync_seconds/.test(name));
  expect(Object.fromEntries(single)).toEqual({
    'sessionwatch_build_info{version="1.2.3"}': 1,
    sessionwatch_subscribers: 3,
    sessionwatch_updates_total: 9,
    sessionwatch_updates_coalesced_total: 2,
    sessionwatch_degraded: 1,
    sessionwatch_sync_failures_total: 1,
    sessionwatch_sync_backlog: 4,
    process_resident_memory_bytes: 50_000_000,
    process_cpu_seconds_total: 1.5,
    process_start_time_seconds: 1_750_000_000,
    process_open_fds: 12,
  });
});

test("metricsText() counts streams by kind, and closed ones by reason", async () => {
  const sources = someSources();
  const { measured } = sources;
  const { samples } = reading(sources);
  const names = [
    'streams{kind="session"}',
    'streams{kind="sessions"}',
    'streams_opened_total{kind="session"}',
    'streams_closed_total{reason="client"}',
    'streams_closed_total{reason="stalled"}',
    'lag_seconds_bucket{kind="scopes",le="0.002"}',
    'lag_seconds_sum{kind="scopes"}',
    'lag_seconds_count{kind="session"}',
  ];
  const told = async (): Promise<unknown[]> => {
    const all = await samples();
    return names.map((name) => all.get(`sessionwatch_${name}`));
  };
  expect(await told()).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  measured.onOpen("session");
  measured.onOpen("session");
  measured.onClose("session", "stalled");
  measured.onSent("scopes", 2);
  // Reading does not count.
  await told();
  expect(await told()).toEqual([1, 0, 2, 0, 1, 1, 0.002, 0]);
});

test("metricsText() leaves out values that do not exist or cannot be read, and keeps the rest", async () => {
  const broken = new Error("no figures");
  const sources = someSources();
  const { samples, errors } = reading({
    ...sources,
    feed() {
      throw broken;
    },
    sync: () => null,
    process: { ...sources.process, openFiles: () => Promise.reject(broken) },
  });
  sources.measured.syncs.observe(20);
  const told = await samples();
  const missing = /subscribers|updates|degraded|backlog|failures|open_fds/;
  expect([...told.keys()].filter((name) => missing.test(name))).toEqual([]);
  expect(told.get("sessionwatch_sync_seconds_sum")).toBe(0.02);
  expect(told.get("process_cpu_seconds_total")).toBe(1.5);
  expect(new Set(errors)).toEqual(new Set([broken]));
});

function reading(sources: MetricsSources): {
  samples: () => Promise<Map<string, number>>;
  errors: unknown[];
} {
  const errors: unknown[] = [];
  const options = { version: "1.2.3", onError: (error: unknown) => errors.push(error) };
  return { samples: async () => samplesOf(await metricsText(sources, options)), errors };
}
