/** Our server within the process of a test, on a real port, over an archive that the test writes. */

import { systemClock } from "../../src/runtime/clock.ts";
import { listen } from "../../src/runtime/listen.ts";
import type { Listener } from "../../src/runtime/listen.ts";
import { createApp } from "../../src/server/app.ts";
import { Streams } from "../../src/server/streams/streams.ts";
import type { Store } from "../../src/watch/ports.ts";
import { Watcher } from "../../src/watch/watcher.ts";
import { someSources } from "./sources.ts";
import { openForeign } from "./stores.ts";

/** How often (ms) the archive is looked at if no hint comes. */
const POLL_MS = 20;

export class Served implements AsyncDisposable {
  readonly store: Store;
  readonly streams: Streams;
  readonly #listener: Listener;

  /** @param path of an archive that exists. */
  constructor(path: string) {
    this.store = openForeign(path);
    this.streams = new Streams(systemClock, 30_000);
    const app = createApp({
      store: this.store,
      watcher: new Watcher(this.store, undefined, { clock: systemClock, pollIntervalMs: POLL_MS }),
      streams: this.streams,
      clock: systemClock,
      sync: () => Promise.reject(new Error("this archive is not synced")),
      metrics: someSources(),
      onRequest: () => undefined,
      version: "0",
      pid: 1,
      onError: (error) => {
        throw error;
      },
    });
    this.#listener = listen({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request, connection) => app.fetch(request, connection),
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  /** As after a crash: nobody is told. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener.stop();
    await this.store.close();
  }
}
