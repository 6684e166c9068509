/** What the server tells of itself, as Prometheus reads it (https://prometheus.io/docs/instrumenting/exposition_formats/). */

import type { Registry } from "prom-client";
import type { FeedFigures } from "../../watch/feed.ts";
import type { SyncFigures } from "../../watch/ports.ts";
import { LiveRegistry } from "./live-registry.ts";
import type { Measurements } from "./measurements.ts";

/** What the runtime knows of this process. */
export interface ProcessFigures {
  /** Seconds since the epoch. */
  readonly startedSeconds: number;
  residentBytes(): number;
  cpuSeconds(): number;
  /** Null where the system does not tell. */
  openFiles(): Promise<number | null>;
}

/** Where everything is read, anew for each answer. */
export interface MetricsSources {
  measured: Measurements;
  feed: () => FeedFigures;
  /** Null where nothing is synced. */
  sync: () => SyncFigures | null;
  process: ProcessFigures;
}

export interface MetricsOptions {
  /** The program's. */
  version: string;
  /** Something cannot be read: it is left out of the answer. */
  onError: (error: unknown) => void;
}

/** @returns a registry that reads the sources whenever it is asked for its metrics. */
export function metricsOf(sources: MetricsSources, options: MetricsOptions): Registry {
  const { measured, feed, sync, process } = sources;
  const { version, onError } = options;
  const registry = new LiveRegistry(onError);

  registry.gauges(
    "sessionwatch_streams",
    "Streams that are open, by what they carry.",
    "kind",
    measured.open,
  );
  registry.counters(
    "sessionwatch_streams_opened_total",
    "Streams that were opened, by what they carry.",
    "kind",
    measured.opened,
  );
  registry.counters(
    "sessionwatch_streams_closed_total",
    "Streams that were closed: the client went or stalled, the server stopped, or what was followed ended.",
    "reason",
    measured.closed,
  );
  registry.gauge("sessionwatch_subscribers", "Subscribers of the feed.", () => feed().subscribers);
  registry.counter(
    "sessionwatch_updates_total",
    "Changes that were told, whatever the number of subscribers.",
    () => feed().updates,
  );
  registry.counter(
    "sessionwatch_updates_coalesced_total",
    "Updates that a subscriber never got, because a newer one of the same session came first.",
    () => feed().coalesced,
  );
  registry.histogram(
    "sessionwatch_lag_seconds",
    "From the first sign of a change in the archive to the event at a client's connection.",
    (name) => Object.entries(measured.lags).flatMap(([kind, lags]) => lags.samples(name, { kind })),
  );
  registry.gauge("sessionwatch_degraded", "1 while the archive cannot be read, else 0.", () =>
    Number(feed().isDegraded),
  );
  registry.histogram(
    "sessionwatch_archive_look_seconds",
    "How long it took to ask the archive what has changed.",
    (name) => measured.looks.samples(name, {}),
  );
  registry.histogram(
    "sessionwatch_sync_seconds",
    "How long it took to bring one transcript's news into the archive.",
    (name) => measured.syncs.samples(name, {}),
  );
  registry.counter(
    "sessionwatch_sync_failures_total",
    "Syncs of a transcript that failed, each time that they were tried.",
    () => sync()?.failures ?? null,
  );
  registry.gauge(
    "sessionwatch_sync_backlog",
    "Transcripts that are being synced, or wait for it.",
    () => sync()?.backlog ?? null,
  );
  registry.gauges("sessionwatch_build_info", "Always 1; the label says which version this is.", "version", {
    [version]: 1,
  });
  // Named and worded as every client library of Prometheus does it.
  registry.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", process.residentBytes);
  registry.counter(
    "process_cpu_seconds_total",
    "Total user and system CPU time spent in seconds.",
    process.cpuSeconds,
  );
  registry.gauge(
    "process_start_time_seconds",
    "Start time of the process since unix epoch in seconds.",
    () => process.startedSeconds,
  );
  registry.gauge("process_open_fds", "Number of open file descriptors.", process.openFiles);
  return registry;
}
