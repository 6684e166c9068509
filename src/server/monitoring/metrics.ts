/** The metrics of the server: their names, their help, and where their values come from. */

import type { FeedFigures } from "../../watch/feed.ts";
import type { SyncFigures } from "../../watch/ports.ts";
import { exposition } from "./exposition.ts";
import type { MetricFamily, MetricSample } from "./exposition.ts";
import type { Histogram } from "./histogram.ts";
import type { Measurements } from "./measurements.ts";

/** What the runtime knows of this process. */
export interface ProcessFigures {
  /** Seconds since the epoch. */
  readonly startedSeconds: number;
  residentBytes(): number;
  cpuSeconds(): number;
  /** Null where the system does not say. */
  openFiles(): Promise<number | null>;
}

/** Where values are read from, anew for each answer. */
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
  /** A value cannot be read: it is left out. */
  onError: (error: unknown) => void;
}

/** A metric whose samples are read when they are asked for. */
interface Metric extends Omit<MetricFamily, "samples"> {
  read(name: string): readonly MetricSample[] | Promise<readonly MetricSample[]>;
}

/** @returns every metric, as Prometheus reads it. */
export async function metricsText(sources: MetricsSources, options: MetricsOptions): Promise<string> {
  const { version, onError } = options;
  const families = metricsOf(sources, version).map(async ({ read, ...family }) => {
    try {
      return { ...family, samples: await read(family.name) };
    } catch (error) {
      onError(error);
      return { ...family, samples: [] };
    }
  });
  return exposition(await Promise.all(families));
}

function metricsOf({ measured, feed, sync, process }: MetricsSources, version: string): Metric[] {
  const { open, opened, closed, lags, looks, syncs } = measured;
  return [
    gauge("sessionwatch_streams", "Open streams, by what they carry.", byLabel("kind", open)),
    counter(
      "sessionwatch_streams_opened_total",
      "Streams opened, by what they carry.",
      byLabel("kind", opened),
    ),
    counter(
      "sessionwatch_streams_closed_total",
      "Streams closed: the client left or stalled, the server stopped, or the subscription ended.",
      byLabel("reason", closed),
    ),
    gauge(
      "sessionwatch_subscribers",
      "Subscribers of the feed.",
      one(() => feed().subscribers),
    ),
    counter(
      "sessionwatch_updates_total",
      "Updates published, whatever the number of subscribers.",
      one(() => feed().updates),
    ),
    counter(
      "sessionwatch_updates_coalesced_total",
      "Updates that a subscriber never got because a newer one of the same session replaced them.",
      one(() => feed().coalesced),
    ),
    histogram(
      "sessionwatch_lag_seconds",
      "Time from the first sign of a change in the archive to the event at a client's connection.",
      (name) => Object.entries(lags).flatMap(([kind, lag]) => lag.samples(name, { kind })),
    ),
    gauge(
      "sessionwatch_degraded",
      "1 while the archive cannot be read, else 0.",
      one(() => Number(feed().isDegraded)),
    ),
    histogram(
      "sessionwatch_archive_look_seconds",
      "Duration of a query for changes in the archive.",
      allOf(looks),
    ),
    histogram(
      "sessionwatch_sync_seconds",
      "Duration of a sync of one transcript into the archive.",
      allOf(syncs),
    ),
    counter(
      "sessionwatch_sync_failures_total",
      "Failed attempts to sync a transcript.",
      one(() => sync()?.failures ?? null),
    ),
    gauge(
      "sessionwatch_sync_backlog",
      "Transcripts being synced or waiting for it.",
      one(() => sync()?.backlog ?? null),
    ),
    gauge(
      "sessionwatch_build_info",
      "Always 1; the label has the version.",
      byLabel("version", { [version]: 1 }),
    ),
    // Names and help of these are those of every Prometheus client library.
    gauge(
      "process_resident_memory_bytes",
      "Resident memory size in bytes.",
      one(() => process.residentBytes()),
    ),
    counter(
      "process_cpu_seconds_total",
      "Total user and system CPU time spent in seconds.",
      one(() => process.cpuSeconds()),
    ),
    gauge(
      "process_start_time_seconds",
      "Start time of the process since unix epoch in seconds.",
      one(() => process.startedSeconds),
    ),
    gauge(
      "process_open_fds",
      "Number of open file descriptors.",
      one(() => process.openFiles()),
    ),
  ];
}

function gauge(name: string, help: string, read: Metric["read"]): Metric {
  return { name, help, type: "gauge", read };
}

function counter(name: string, help: string, read: Metric["read"]): Metric {
  return { name, help, type: "counter", read };
}

function histogram(name: string, help: string, read: Metric["read"]): Metric {
  return { name, help, type: "histogram", read };
}

/** One line; none where there is no value. */
function one(read: () => number | null | Promise<number | null>): Metric["read"] {
  return async (name) => {
    const value = await read();
    return value === null ? [] : [{ name, labels: {}, value }];
  };
}

/** One line for each value of a label. */
function byLabel(label: string, values: Readonly<Record<string, number>>): Metric["read"] {
  return (name) => Object.entries(values).map(([key, value]) => ({ name, labels: { [label]: key }, value }));
}

function allOf(durations: Histogram): Metric["read"] {
  return (name) => durations.samples(name, {});
}
