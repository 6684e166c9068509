/** The HTTP interface without a network. */

import type { Hono } from "hono";
import { createApp } from "../../src/server/app.ts";
import type { AppOptions } from "../../src/server/app.ts";
import type { Env } from "../../src/server/env.ts";
import { Streams } from "../../src/server/streams.ts";
import { Watcher } from "../../src/watch/watcher.ts";
import type { FakeClock } from "./clock.ts";
import { someSources } from "./sources.ts";
import { openForeign } from "./stores.ts";

export interface TestApp extends Pick<AppOptions, "store" | "streams"> {
  app: Hono<Env>;
}

/** @param path of an archive; close its `store` at the end. */
export function createTestApp(path: string, clock: FakeClock, options: Partial<AppOptions> = {}): TestApp {
  const store = openForeign(path);
  const streams = new Streams(clock, 30_000);
  const app = createApp({
    store,
    watcher: new Watcher(store, undefined, { clock }),
    streams,
    clock,
    sync: () => Promise.reject(new Error("nobody asked")),
    metrics: someSources(),
    version: "0",
    pid: 1,
    onError: () => undefined,
    onRequest: () => undefined,
    ...options,
  });
  return { app, store, streams };
}
