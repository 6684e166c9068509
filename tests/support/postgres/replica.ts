/** Our server within the process of a test, over an archive that other servers read as well. */

import { systemClock } from "../../../src/runtime/clock.ts";
import { listen } from "../../../src/runtime/listen.ts";
import type { Listener } from "../../../src/runtime/listen.ts";
import { openStore } from "../../../src/mod.ts";
import type { Store } from "../../../src/watch/ports.ts";
import { Watcher } from "../../../src/watch/watcher.ts";
import { createAppOver } from "../app.ts";
import { WireStream } from "../wire-stream.ts";

export interface ReplicaOptions {
  /** How often (ms) the archive is polled without a hint. @default a minute: earlier updates come from hints */
  pollIntervalMs?: number;
}

export class Replica implements AsyncDisposable {
  readonly url: string;
  readonly #store: Store;
  readonly #watcher: Watcher;
  readonly #listener: Listener;

  private constructor(store: Store, watcher: Watcher, listener: Listener) {
    this.url = `http://127.0.0.1:${listener.port}`;
    this.#store = store;
    this.#watcher = watcher;
    this.#listener = listener;
  }

  /** @param db the URL of its archive. */
  static async start(db: string, { pollIntervalMs = 60_000 }: ReplicaOptions = {}): Promise<Replica> {
    const { store } = await openStore(db);
    const watcher = new Watcher(store, undefined, { clock: systemClock, pollIntervalMs });
    const { app } = createAppOver(store, systemClock, { watcher });
    const fetch = (...request: Parameters<typeof app.fetch>): ReturnType<typeof app.fetch> =>
      app.fetch(...request);
    return new Replica(store, watcher, listen({ hostname: "127.0.0.1", port: 0, fetch }));
  }

  /** Streams that it serves. */
  get subscribers(): number {
    return this.#watcher.figures.subscribers;
  }

  /** @param cursor that the client comes with, from wherever. */
  follow(target: string, cursor?: string): Promise<WireStream> {
    const headers: Record<string, string> = cursor === undefined ? {} : { "Last-Event-ID": cursor };
    return WireStream.open(this.url, `/api/v1${target}`, { headers });
  }

  /** @returns what the archive says of the session now, by way of this server; null if it is gone. */
  async versionOf(id: string): Promise<string | null> {
    return (await this.#store.get(id))?.version ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener.stop();
    await this.#store.close();
  }
}
