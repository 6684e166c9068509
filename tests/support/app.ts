/** The server's app in this process, over an archive with one session, `a`. */

import { createApp } from "../../src/server/app.ts";
import type { Connection } from "../../src/server/env.ts";
import { Admission } from "../../src/server/admission.ts";
import type { AdmissionOptions } from "../../src/server/admission.ts";
import { LOCAL_ACCESS } from "../../src/server/guard.ts";
import type { Access } from "../../src/server/guard.ts";
import { Streams } from "../../src/server/streams.ts";
import { Watcher } from "../../src/watch/watcher.ts";
import { ForeignArchive } from "./archives.ts";
import { FakeClock } from "./clock.ts";
import { openForeign } from "./stores.ts";
import { Workspace } from "./workspace.ts";

/** A client of this machine. */
export const CONNECTION: Connection = {
  address: () => "127.0.0.1",
  allowSilence: () => undefined,
  cut: () => undefined,
};

export class TestApp implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly streams = new Streams(this.clock, 30_000);
  readonly admission: Admission;
  /** What was reported. */
  readonly errors: unknown[] = [];
  readonly #workspace = new Workspace();
  readonly #archive = new ForeignArchive(this.#workspace.path("view.db")).add("a");
  readonly store = openForeign(this.#archive.path);
  readonly #app: ReturnType<typeof createApp>;

  constructor(access: Partial<Access> = {}, admission: AdmissionOptions = {}) {
    this.admission = new Admission(admission);
    this.#app = createApp({
      store: this.store,
      watcher: new Watcher(this.store, undefined, { clock: this.clock }),
      streams: this.streams,
      clock: this.clock,
      access: { ...LOCAL_ACCESS, ...access },
      admission: this.admission,
      sync: () => Promise.resolve("a"),
      version: "0",
      pid: 1,
      onError: (error) => this.errors.push(error),
    });
  }

  /** @param from the address of the client. */
  async request(path: string, init: RequestInit = {}, from = "127.0.0.1"): Promise<Response> {
    const headers = new Headers(init.headers);
    if (!headers.has("host")) headers.set("host", "localhost:7373");
    const connection = { ...CONNECTION, address: () => from };
    return this.#app.request(`http://localhost:7373${path}`, { ...init, headers }, connection);
  }

  /** @returns the status, and what the answer calls an error. */
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
    await this.store.close();
    this.#archive[Symbol.dispose]();
    this.#workspace[Symbol.dispose]();
  }
}

/** What asks the server to sync session `a`. */
export function syncing(headers: Record<string, string> = {}): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: '{"id":"a"}',
  };
}
