/** A way to the server that lasts: one connection at most, opened when it is needed, and a new one for one that fails. */

import { Connection } from "./connection.ts";
import type { ConnectionOptions } from "./connection.ts";
import type { Run } from "./run.ts";
import type { Target } from "./target.ts";

export interface LinkOptions extends Omit<ConnectionOptions, "onEnd"> {
  /** The connection was lost, or given up; the next query opens another one. Called once for each. */
  onLost?: () => void;
}

/** How long (ms) the server has to take note that the program ends. */
const CLOSE_MS = 300;

export class Link {
  readonly #target: Target;
  readonly #options: LinkOptions;
  #connection: Connection | null = null;
  #isClosed = false;

  constructor(target: Target, options: LinkOptions) {
    this.#target = target;
    this.#options = options;
  }

  readonly query: Run = async (...statement) => await this.#current().run(...statement);

  /**
   * Runs statements that take effect together, or not at all. A link on which transactions are run is used for nothing
   * else, and for one at a time.
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
      // Where the connection is lost, so is the transaction.
      if (!connection.isOver) await run("ROLLBACK").catch((reason) => void connection.giveUp(reason));
      throw error;
    }
  }

  /**
   * For a transaction that sends its beginning and its end along with its statements.
   *
   * @returns what runs statements on one connection: once that is lost, everything fails.
   */
  onOneConnection(): Run {
    return this.#current().run;
  }

  /** At once: what is under way fails. Resolves when the server knows it too, or does not answer. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#connection?.giveUp(new Error("the archive was closed"), CLOSE_MS);
  }

  #current(): Connection {
    if (this.#isClosed) throw new Error("the archive was closed");
    this.#connection ??= new Connection(this.#target, {
      ...this.#options,
      onEnd: () => {
        this.#connection = null;
        this.#options.onLost?.();
      },
    });
    return this.#connection;
  }
}
