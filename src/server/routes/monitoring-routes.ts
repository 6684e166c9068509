/** The routes for those who run the server. */

import { Hono } from "hono";
import type { Registry } from "prom-client";
import type { Clock } from "../../async/clock.ts";
import type { Store } from "../../watch/ports.ts";
import type { Env } from "../env.ts";
import type { MetricsSources } from "../monitoring/metrics.ts";
import { Readiness } from "../monitoring/readiness.ts";

/** Through which streams are let in. */
export interface Gate {
  /** @throws Refusal once it is closed: the server stops, and is not ready. */
  assertOpen: () => void;
}

export interface MonitoringRoutesOptions {
  store: Store;
  clock: Clock;
  admission: Gate;
  metrics: MetricsSources;
  version: string;
  pid: number;
  /** A figure cannot be read. */
  onError: (error: unknown) => void;
}

export function monitoringRoutes(options: MonitoringRoutesOptions): Hono<Env> {
  const { store, clock, admission, metrics, version, pid, onError } = options;
  const routes = new Hono<Env>();
  const readiness = new Readiness(store, clock);
  // Its library takes some MB: only who asks pays for it.
  let registry: Promise<Registry> | null = null;

  routes.get("/api/ping", (c) => c.json({ ok: true, service: "sessionwatch", version, pid }));

  /** The process lives. */
  routes.get("/healthz", (c) => c.json({ ok: true }));

  /** The archive can be read, and the server does not stop. */
  routes.get("/readyz", async (c) => {
    admission.assertOpen();
    await readiness.check();
    return c.json({ ok: true });
  });

  routes.get("/metrics", async (c) => {
    registry ??= import("../monitoring/metrics.ts").then(({ metricsOf }) =>
      metricsOf(metrics, { version, onError }),
    );
    const { contentType } = await registry;
    return c.body(await (await registry).metrics(), 200, { "content-type": contentType });
  });

  return routes;
}
