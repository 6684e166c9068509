/** The HTTP app without a network. */

import { PAGE_FILES } from "../../src/page/files.ts";
import type { Hono } from "hono";
import { createApp } from "../../src/server/app.ts";
import type { AppOptions } from "../../src/server/app.ts";
import type { ClientConnection, Env } from "../../src/server/env.ts";
import { LOCAL_ACCESS } from "../../src/server/guards/guards.ts";
import type { Access } from "../../src/server/guards/guards.ts";
import { Admission } from "../../src/server/streams/admission.ts";
import type { AdmissionOptions } from "../../src/server/streams/admission.ts";
import { Streams } from "../../src/server/streams/streams.ts";
import type { Clock } from "../../src/async/clock.ts";
import type { Store } from "../../src/watch/ports.ts";
import { POLL_INTERVAL_MS, Watcher } from "../../src/watch/watcher.ts";
import { ForeignArchive } from "./archives.ts";
import { FakeClock } from "./clock.ts";
import { someSources } from "./metrics-sources.ts";
import { openForeign } from "./stores.ts";
import { Workspace } from "./workspace.ts";

/** A client on this machine. */
export const CONNECTION: ClientConnection = {
  address: () => "127.0.0.1",
  allowSilence: () => undefined,
  cut: () => undefined,
};

export interface BareApp extends Pick<AppOptions, "store" | "streams"> {
  app: Hono<Env>;
}

export interface TestAppOptions extends Partial<AppOptions> {
  /** Time (ms) between two polls of the archive. @default the program's */
  pollIntervalMs?: number;
}

/** @param path of an archive; the caller closes `store`. */
export function createTestApp(path: string, clock: Clock, options: TestAppOptions = {}): BareApp {
  return createAppOver(openForeign(path), clock, options);
}

/** @param store the caller closes it. */
export function createAppOver(store: Store, clock: Clock, options: TestAppOptions = {}): BareApp {
  const { pollIntervalMs = POLL_INTERVAL_MS, ...given } = options;
  const streams = new Streams(clock, 30_000);
  const app = createApp({
    page: PAGE_FILES,
    store,
    watcher: new Watcher(store, undefined, { clock, pollIntervalMs }),
    streams,
    clock,
    admission: new Admission(),
    sync: () => Promise.reject(new Error("nobody asked")),
    metrics: someSources(),
    version: "0",
    pid: 1,
    onError: () => undefined,
    onRequest: () => undefined,
    ...given,
  });
  return { app, store, streams };
}

/** The app of a server over an archive with one session, `a`. */
export class TestApp implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly admission: Admission;
  /** The errors that the app reported. */
  readonly errors: unknown[] = [];
  readonly #workspace = new Workspace();
  readonly #archive = new ForeignArchive(this.#workspace.path("view.db")).add("a");
  readonly #bare: BareApp;

  constructor(access: Partial<Access> = {}, admission: AdmissionOptions = {}) {
    this.admission = new Admission(admission);
    this.#bare = createTestApp(this.#archive.path, this.clock, {
      access: { ...LOCAL_ACCESS, ...access },
      admission: this.admission,
      sync: () => Promise.resolve("a"),
      onError: (error) => this.errors.push(error),
    });
  }

  get store(): AppOptions["store"] {
    return this.#bare.store;
  }

  get streams(): Streams {
    return this.#bare.streams;
  }

  /** @param from the address of the client. */
  async request(path: string, init: RequestInit = {}, from = "127.0.0.1"): Promise<Response> {
    const headers = new Headers(init.headers);
    if (!headers.has("host")) headers.set("host", "localhost:7373");
    const connection = { ...CONNECTION, address: () => from };
    return this.#bare.app.request(`http://localhost:7373${path}`, { ...init, headers }, connection);
  }

  /** @returns the status, and the error in the answer. */
  async outcome(path: string, init: RequestInit = {}): Promise<[status: number, error: string | undefined]> {
    const response = await this.request(path, init);
    if (response.headers.get("content-type") === "application/json") {
      const { error } = (await response.json()) as { error?: string };
      return [response.status, error];
    }
    await response.body?.cancel();
    return [response.status, undefined];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bare.store.close();
    this.#archive[Symbol.dispose]();
    this.#workspace[Symbol.dispose]();
  }
}

/** A request to sync session `a`. */
export function syncing(headers: Record<string, string> = {}): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: '{"id":"a"}',
  };
}
