/** The other end of crowd.ts: starts it and tells it what to do. */

import { join } from "node:path";
import type { Change } from "./arrivals.ts";

export interface ConnectOptions {
  port: number;
  /** Taken in turn. */
  paths: string[];
  clients: number;
  /** Over how long (ms) they connect, evenly; 0 is as fast as they can. */
  overMs: number;
}

export type Command =
  | ({ do: "connect" } & ConnectOptions)
  | { do: "ignore"; port: number; path: string; clients: number }
  | { do: "hang up" }
  | { do: "report"; changes: Change[] };

/** Per change: how long (ms) after it the first, the median, … client was told of it. */
export interface Delays {
  firstMs: number[];
  medianMs: number[];
  p99Ms: number[];
  lastMs: number[];
}

interface Reply {
  answer?: unknown;
  error?: string;
}

/** A process with clients in it. */
export class Crowd implements AsyncDisposable {
  readonly #process = Bun.spawn([process.execPath, join(import.meta.dir, "crowd.ts")], {
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
    ipc: (reply: Reply) => this.#onReply(reply),
  });
  #onReply: (reply: Reply) => void = nobodyAsked;

  /** Resolves once all are connected and answered. */
  async connect(options: ConnectOptions): Promise<void> {
    await this.#tell({ do: "connect", ...options });
  }

  /** Connects clients that never read. */
  async ignore(port: number, path: string, clients: number): Promise<void> {
    await this.#tell({ do: "ignore", port, path, clients });
  }

  /** Disconnects those that never read. */
  async hangUp(): Promise<void> {
    await this.#tell({ do: "hang up" });
  }

  /** Resolves once every client that reads was told of the last change; forgets them then. */
  async report(changes: Change[]): Promise<Delays> {
    return (await this.#tell({ do: "report", changes })) as Delays;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }

  async #tell(command: Command): Promise<unknown> {
    const { promise, resolve } = Promise.withResolvers<Reply>();
    this.#onReply = resolve;
    this.#process.send(command);
    const end = this.#process.exited.then((code): Reply => ({
      error: `it has ended with exit code ${code}`,
    }));
    const { answer, error } = await Promise.race([promise, end]);
    if (error !== undefined) throw new Error(`the crowd, told to ${command.do}: ${error}`);
    return answer;
  }
}

function nobodyAsked(): void {}
