/** A `watch serve` over an archive that tests write to, and requests that many tests make. */

import { ForeignArchive } from "../../support/archives.ts";
import { serve } from "../../support/program.ts";
import type { Lane, Program } from "../../support/program.ts";
import type { RequestOptions } from "../../support/raw-http.ts";
import { WireStream } from "../../support/wire-stream.ts";
import { Workspace } from "../../support/workspace.ts";

/** A comment, the time to wait, and a heartbeat with the client's position. */
export const OPENING =
  /^: ok\nretry: \d+\nid: \S+\nevent: heartbeat\ndata: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n\n$/;

export class SseServer implements AsyncDisposable {
  readonly lane: Lane;
  readonly #workspace = new Workspace();
  readonly archive = new ForeignArchive(this.#workspace.path("view.db"));
  #running: { program: Program; url: string } | null = null;

  constructor(lane: Lane) {
    this.lane = lane;
  }

  async start(): Promise<void> {
    this.#running = await serve(this.lane, this.env, ["--db", this.archive.path]);
  }

  get env(): Record<string, string> {
    return this.#workspace.env;
  }

  get url(): string {
    if (this.#running === null) throw new Error("the server was not started");
    return this.#running.url;
  }

  /** Adds a session. @returns its id. */
  added(id: string = crypto.randomUUID()): string {
    this.archive.add(id);
    return id;
  }

  /** The cursor of a session's current state. */
  async versionOf(id: string): Promise<string> {
    const response = await fetch(`${this.url}/api/v1/sessions/${encodeURIComponent(id)}`);
    return ((await response.json()) as { version: string }).version;
  }

  /** Follows a session. */
  follow(id: string, query = "", options: RequestOptions = {}): Promise<WireStream> {
    return WireStream.open(this.url, `${pathOf(id)}${query}`, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running?.program[Symbol.asyncDispose]();
    this.archive[Symbol.dispose]();
    this.#workspace[Symbol.dispose]();
  }
}

/** The route that streams one session. */
export function pathOf(id: string): string {
  return `/api/v1/sessions/${encodeURIComponent(id)}/watch`;
}
