/** A server in the process of a test, on a real port, over an archive that the test writes to. */

import { systemClock } from "../../src/runtime/clock.ts";
import { listen } from "../../src/runtime/listen.ts";
import type { Listener } from "../../src/runtime/listen.ts";
import type { Store } from "../../src/watch/ports.ts";
import { createTestApp } from "./app.ts";

/** Time (ms) between two polls of the archive. */
const POLL_MS = 20;

export class Served implements AsyncDisposable {
  readonly store: Store;
  readonly #listener: Listener;

  /** @param path of an archive that exists. */
  constructor(path: string) {
    const { app, store } = createTestApp(path, systemClock, {
      pollIntervalMs: POLL_MS,
      onError: (error) => {
        throw error;
      },
    });
    this.store = store;
    this.#listener = listen({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request, connection) => app.fetch(request, connection),
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Stops like a crash: clients get no farewell. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener.stop();
    await this.store.close();
  }
}
