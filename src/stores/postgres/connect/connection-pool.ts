/** A fixed number of connections, each used by one caller at a time. */

import type { ReconnectingConnection } from "./reconnecting-connection.ts";

export class ConnectionPool {
  readonly #connections: readonly ReconnectingConnection[];
  readonly #free: ReconnectingConnection[];
  readonly #waiting: ((connection: ReconnectingConnection) => void)[] = [];

  /** @param connections must not be used elsewhere. */
  constructor(connections: readonly ReconnectingConnection[]) {
    this.#connections = connections;
    this.#free = [...connections];
  }

  /** Runs `work` on a connection that nothing else uses meanwhile. */
  async use<T>(work: (connection: ReconnectingConnection) => Promise<T>): Promise<T> {
    // The one used last comes first: the others stay idle long enough to be closed.
    const connection =
      this.#free.pop() ??
      (await new Promise<ReconnectingConnection>((resolve) => this.#waiting.push(resolve)));
    try {
      return await work(connection);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(connection);
      else next(connection);
    }
  }

  /** Fails at once what runs and what waits. */
  async close(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }
}
