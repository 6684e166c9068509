/** At most one connection at a time, opened when a statement needs it, and again after it was lost. */

import type { Clock } from "../../../async/clock.ts";
import type { Run } from "../sql/statement.ts";
import type { ArchiveAddress } from "./archive-address.ts";
import { PostgresConnection } from "./postgres-connection.ts";
import type { ConnectionOptions } from "./postgres-connection.ts";

/** How long (ms) the server has to cancel a statement when the program ends. */
const CLOSE_MS = 300;

export class ReconnectingConnection {
  readonly #address: ArchiveAddress;
  readonly #clock: Clock;
  readonly #options: ConnectionOptions;
  #connection: PostgresConnection | null = null;
  #isClosed = false;

  constructor(address: ArchiveAddress, clock: Clock, options: ConnectionOptions) {
    this.#address = address;
    this.#clock = clock;
    this.#options = options;
  }

  readonly query: Run = async (...statement) => await this.onOneConnection()(...statement);

  /**
   * Commits what `work` does, or nothing of it. The caller runs nothing else on this connection meanwhile.
   *
   * @throws as `query` does, and what `work` throws.
   */
  async transaction<T>(work: (run: Run) => Promise<T>): Promise<T> {
    const connection = this.#current();
    const { run } = connection;
    await run("BEGIN");
    try {
      const result = await work(run);
      await run("COMMIT");
      return result;
    } catch (error) {
      // A lost connection has rolled back by itself.
      if (!connection.isOver) await run("ROLLBACK").catch((reason) => void connection.giveUp(reason));
      throw error;
    }
  }

  /** @returns what runs statements on the present connection and fails after that is lost, as transactions need it. */
  onOneConnection(): Run {
    return this.#current().run;
  }

  /** Fails the running statement at once. Resolves when the server has cancelled it, or does not answer. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#connection?.giveUp(new Error("the archive was closed"), CLOSE_MS);
  }

  #current(): PostgresConnection {
    if (this.#isClosed) throw new Error("the archive was closed");
    this.#connection ??= new PostgresConnection(this.#address, this.#clock, {
      ...this.#options,
      onLost: () => {
        this.#connection = null;
        this.#options.onLost?.();
      },
    });
    return this.#connection;
  }
}
