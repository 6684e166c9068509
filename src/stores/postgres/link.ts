/** One connection to the server, at most: opened when it is needed, and given up for a new one when it fails. */

import type { Socket } from "node:net";
import postgres from "postgres";
import type { Sql } from "postgres";
import { dial } from "./dial.ts";
import type { Target } from "./target.ts";

export type Row = Record<string, unknown>;

/** What a statement takes in place of `$1`, `$2`, …; lists go as JSON text. */
export type Value = string | number | boolean | null;

/** Runs one statement. @see Link.query */
export type Run = (text: string, values?: readonly Value[], deadlineMs?: number) => Promise<Row[]>;

export interface LinkOptions {
  /** What the connection is for; the server's administrator sees it. */
  purpose: string;
  /** How long (ms) an unused connection stays open. @default for ever */
  idleMs?: number;
  /** Called for each notification. */
  onNotice?: (payload: string) => void;
  /** The connection was lost; the next query opens another one. */
  onLost?: () => void;
}

/** A connection, and what belongs to it. */
interface Life {
  sql: Sql;
  /** That of the connection, and those of attempts to cancel a statement. */
  sockets: Set<Socket>;
  /** Whatever is only now connected has come too late. */
  isOver: boolean;
  /** Fail the statements that are under way, or wait for their turn. */
  waiting: Set<(reason: Error) => void>;
}

/** How long (ms) a connection may take to be there: to find the server's address, to reach it, and to make it safe. */
const CONNECT_MS = 2500;
/** How long (ms) the server has for an answer. @see Link.query */
const DEADLINE_MS = 2500;
/** How long (ms) the server has to take note that an answer is not waited for any more. */
const CANCEL_MS = 1000;

/** Statements take turns; what one of them runs into is its own failure, but a lost connection is everybody's. */
export class Link {
  readonly #target: Target;
  readonly #options: LinkOptions;
  #life: Life | null = null;
  #isClosed = false;

  constructor(target: Target, options: LinkOptions) {
    this.#target = target;
    this.#options = options;
  }

  /**
   * Runs one statement. Nothing is prepared under a name and nothing set for the session: behind a pooler, the next
   * statement may run elsewhere.
   *
   * @param deadlineMs after which the statement is cancelled and the connection given up.
   * @throws Error with the server's `code`, or that of the network.
   */
  query: Run = async (text, values, deadlineMs) => await this.#run(this.#current(), text, values, deadlineMs);

  /**
   * Runs statements that take effect together, or not at all. A link on which transactions are run is used for nothing
   * else, and for one at a time.
   *
   * @throws as `query` does, and what `work` throws.
   */
  async transaction<T>(work: (run: Run) => Promise<T>): Promise<T> {
    const life = this.#current();
    const run = this.#runOn(life);
    await run("BEGIN");
    try {
      const result = await work(run);
      await run("COMMIT");
      return result;
    } catch (error) {
      // Where the connection is lost, so is the transaction.
      if (life === this.#life) await run("ROLLBACK").catch(() => this.#giveUp(life, 0));
      throw error;
    }
  }

  /**
   * For a transaction that sends its beginning and its end along with its statements.
   *
   * @returns what runs statements on one connection: once that is lost, everything fails.
   */
  onOneConnection(): Run {
    return this.#runOn(this.#current());
  }

  /** At once: what is under way fails. */
  close(): void {
    this.#isClosed = true;
    if (this.#life !== null) this.#giveUp(this.#life, 0);
  }

  async #run(
    life: Life,
    text: string,
    values: readonly Value[] = [],
    deadlineMs = DEADLINE_MS,
  ): Promise<Row[]> {
    // postgres.js would go on with a connection that knows nothing of the transaction.
    if (life !== this.#life) throw new Error("the connection was lost");
    const query = life.sql.unsafe<Row[]>(text, [...values]);
    const { promise: failed, reject } = Promise.withResolvers<never>();
    life.waiting.add(reject);
    const timer = setTimeout(() => {
      query.cancel();
      reject(new Error(`no answer within ${deadlineMs / 1000} s`));
    }, deadlineMs);
    try {
      return [...(await Promise.race([query, failed]))];
    } catch (error) {
      if (!isAnswer(error)) this.#giveUp(life, CANCEL_MS);
      throw error;
    } finally {
      clearTimeout(timer);
      life.waiting.delete(reject);
    }
  }

  #runOn(life: Life): Run {
    return (text, values, deadlineMs) => this.#run(life, text, values, deadlineMs);
  }

  #current(): Life {
    if (this.#isClosed) throw new Error("the archive was closed");
    this.#life ??= this.#begin();
    return this.#life;
  }

  #begin(): Life {
    const { purpose, idleMs, onNotice, onLost } = this.#options;
    const { user, database } = this.#target;
    const sockets = new Set<Socket>();
    let [endpoint] = this.#target.endpoints;
    const options = {
      user,
      database,
      // Not used, but otherwise taken from variables.
      host: "archive",
      port: 5432,
      // An empty one is not asked for anywhere else.
      password: () => (endpoint === undefined ? "" : this.#target.password(endpoint)),
      max: 1,
      // Made safe by then.
      ssl: false,
      socket: async () => {
        const dialled = await dial(this.#target, CONNECT_MS);
        const { socket } = dialled;
        if (life.isOver) {
          socket.destroy();
          throw new Error("the connection was given up");
        }
        ({ endpoint } = dialled);
        sockets.add(socket);
        socket.once("close", () => sockets.delete(socket));
        return socket;
      },
      connection: { application_name: `sessionwatch ${purpose}` },
      connect_timeout: (2 * CONNECT_MS) / 1000,
      idle_timeout: idleMs === undefined ? undefined : idleMs / 1000,
      max_lifetime: null,
      // Poolers that give each transaction another connection know neither prepared statements nor what they are of.
      prepare: false,
      // One statement after the other: PgBouncer takes the connection away after the first answer.
      max_pipeline: 0,
      fetch_types: false,
      // Counts, not keys: they are as exact as they need to be.
      types: { count: { to: 20, from: [20], serialize: String, parse: Number } },
      onnotice: () => undefined,
      onnotify: (_channel: string, payload: string) => onNotice?.(payload),
      onclose: () => {
        if (this.#life === life) this.#giveUp(life, 0);
        onLost?.();
      },
    };
    const life: Life = { sql: postgres(options), sockets, waiting: new Set(), isOver: false };
    return life;
  }

  /** postgres.js would wait for a connection that says nothing, and for one that cannot be had. */
  #giveUp(life: Life, graceMs: number): void {
    if (this.#life === life) this.#life = null;
    setTimeout(() => {
      life.isOver = true;
      void life.sql.end({ timeout: 0 });
      for (const socket of life.sockets) socket.destroy();
      // postgres.js forgets those that still waited for their turn.
      for (const fail of life.waiting) fail(new Error("the connection was lost"));
    }, graceMs);
  }
}

/** Whether it is the server's answer to the statement: the connection goes on. */
function isAnswer(error: unknown): boolean {
  return error instanceof postgres.PostgresError && error.severity === "ERROR";
}
