/** What the server measures while it works; `metrics.ts` exposes it. */

import type { CloseReason, StreamKind, StreamObserver } from "../stream-observer.ts";
import { Histogram } from "./histogram.ts";

const LAG_BOUNDS_MS = [
  0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 50, 75, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000,
];
const LOOK_BOUNDS_MS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000];
const SYNC_BOUNDS_MS = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000,
];

export class Measurements implements StreamObserver {
  /** Durations of queries for changes. */
  readonly looks = new Histogram(LOOK_BOUNDS_MS);
  /** Durations of syncs of one transcript. */
  readonly syncs = new Histogram(SYNC_BOUNDS_MS);
  /** Times from the first sign of a change in the archive to the event at a client's connection. */
  readonly lags: Record<StreamKind, Histogram> = {
    session: new Histogram(LAG_BOUNDS_MS),
    sessions: new Histogram(LAG_BOUNDS_MS),
    scopes: new Histogram(LAG_BOUNDS_MS),
  };
  /** Streams now open, opened so far, and closed so far. */
  readonly open: Record<StreamKind, number> = { session: 0, sessions: 0, scopes: 0 };
  readonly opened: Record<StreamKind, number> = { session: 0, sessions: 0, scopes: 0 };
  readonly closed: Record<CloseReason, number> = { client: 0, stalled: 0, server: 0, ended: 0 };

  onOpen(kind: StreamKind): void {
    this.open[kind] += 1;
    this.opened[kind] += 1;
  }

  onClose(kind: StreamKind, reason: CloseReason): void {
    this.open[kind] -= 1;
    this.closed[reason] += 1;
  }

  onSent(kind: StreamKind, lagMs: number): void {
    this.lags[kind].observe(lagMs);
  }
}
