/** The routes for those who run the server. */

import { Hono } from "hono";
import type { Store } from "../watch/ports.ts";
import type { Env } from "./env.ts";

export interface OperationRoutesOptions {
  store: Store;
  version: string;
  pid: number;
}

export function operationRoutes({ store, version, pid }: OperationRoutesOptions): Hono<Env> {
  const routes = new Hono<Env>();

  routes.get("/api/ping", (c) => c.json({ ok: true, service: "sessionwatch", version, pid }));

  /** The process lives. */
  routes.get("/healthz", (c) => c.json({ ok: true }));

  /** The archive can be read. */
  routes.get("/readyz", async (c) => {
    await store.revision();
    return c.json({ ok: true });
  });

  return routes;
}
