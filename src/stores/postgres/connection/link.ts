/** One connection to the server, at most: opened when it is needed, and given up for a new one when it fails. */

import type { Socket } from "node:net";
import postgres from "postgres";
import type { Sql } from "postgres";
import { backendOf, cancel } from "./cancel.ts";
import { dial } from "./dial.ts";
import type { Endpoint } from "./endpoint.ts";
import { codeOf } from "./error-code.ts";
import { patience } from "./patience.ts";
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
  /** How long (ms) the server may be silent, also where a statement has more time than that. @default for ever */
  silenceMs?: number;
  /** Called for each notification. */
  onNotice?: (payload: string) => void;
  /** The connection was lost, or given up; the next query opens another one. Called once for each. */
  onLost?: () => void;
}

/** A connection, and what belongs to it. */
interface Life {
  sql: Sql;
  /** Null until the server is reached. */
  socket: Socket | null;
  endpoint: Endpoint | null;
  /** The statement that the server has been given last. */
  statement: object | null;
  /** Resolves when the statement before is over. */
  turn: Promise<void>;
  idleTimer: ReturnType<typeof setTimeout> | undefined;
  /** Why it is over; undefined while it goes on. */
  end: Error | undefined;
}

/** How long (ms) a connection may take to be there: to find the server's address, to reach it, and to make it safe. */
const CONNECT_MS = 2500;
/** How long (ms) the server has for an answer. @see Link.query */
const DEADLINE_MS = 2500;
/** How long (ms) the server has to take note that an answer is not waited for any more. */
const CANCEL_MS = 1000;
/** The same where the program ends. */
const CLOSE_MS = 300;

const LOST = "the connection was lost";

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
   * @param deadlineMs from its turn on, after which the statement is cancelled and the connection given up.
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
      if (life === this.#life) await run("ROLLBACK").catch((reason) => void this.#giveUp(life, reason));
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

  /** At once: what is under way fails. Resolves when the server knows it too, or does not answer. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#life !== null) await this.#giveUp(this.#life, new Error("the archive was closed"), CLOSE_MS);
  }

  async #run(
    life: Life,
    text: string,
    values: readonly Value[] = [],
    deadlineMs = DEADLINE_MS,
  ): Promise<Row[]> {
    const before = life.turn;
    const { promise: turn, resolve: endTurn } = Promise.withResolvers<void>();
    life.turn = turn;
    clearTimeout(life.idleTimer);
    try {
      await before;
      return await this.#ask(life, text, values, deadlineMs);
    } finally {
      endTurn();
      if (life.turn === turn) this.#rest(life);
    }
  }

  async #ask(life: Life, text: string, values: readonly Value[], deadlineMs: number): Promise<Row[]> {
    // postgres.js would go on with a connection that knows nothing of the transaction.
    if (life.end !== undefined) throw life.end;
    const query = life.sql.unsafe<Row[]>(text, [...values]);
    // For each query that fails, postgres.js would keep for ever where it came from.
    Object.defineProperty(query, "origin", { value: "" });
    life.statement = query;
    const { silenceMs = deadlineMs } = this.#options;
    const { lost, end } = patience({ deadlineMs, silenceMs, socket: () => life.socket });
    try {
      const rows = [...(await Promise.race([query, lost]))];
      life.statement = null;
      return rows;
    } catch (error) {
      if (isAnswer(error)) {
        life.statement = null;
        throw withoutContents(error);
      }
      const reason = isEnd(error) ? (life.end ?? new Error(LOST, { cause: error })) : error;
      void this.#giveUp(life, reason);
      throw reason;
    } finally {
      end();
    }
  }

  #rest(life: Life): void {
    const { idleMs } = this.#options;
    if (idleMs === undefined || life.end !== undefined) return;
    // Not left to postgres.js, which would give the next statement to a connection that is about to close.
    life.idleTimer = setTimeout(
      () => void this.#giveUp(life, new Error("the connection was not used")),
      idleMs,
    );
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
    const { purpose, onNotice } = this.#options;
    const { user, database } = this.#target;
    const options = {
      // Never used, but otherwise taken from variables, as is whatever else is not given.
      host: "archive",
      port: 5432,
      user,
      database,
      // By a function, also where it is empty: otherwise postgres.js would take it from a variable.
      password: () => (life.endpoint === null ? "" : this.#target.password(life.endpoint)),
      max: 1,
      // The socket is encrypted already, where it has to be.
      ssl: false,
      sslnegotiation: null,
      socket: () => this.#reach(life),
      connection: { application_name: `sessionwatch ${purpose}` },
      connect_timeout: (2 * CONNECT_MS) / 1000,
      idle_timeout: undefined,
      max_lifetime: null,
      keep_alive: 60,
      backoff: false,
      debug: false,
      // Poolers that give each transaction another connection know neither prepared statements nor what they are of.
      prepare: false,
      // Nor may anything be sent before it is its turn: PgBouncer takes the connection away after the first answer.
      max_pipeline: 0,
      fetch_types: false,
      // As a number, which is exact enough for what is counted; what may be larger is asked for as text.
      types: { count: { to: 20, from: [20], serialize: String, parse: Number } },
      onnotice: () => undefined,
      onnotify: (_channel: string, payload: string) => onNotice?.(payload),
      onclose: () => void this.#giveUp(life, new Error(LOST)),
    };
    const life: Life = {
      sql: postgres(options),
      socket: null,
      endpoint: null,
      statement: null,
      turn: Promise.resolve(),
      idleTimer: undefined,
      end: undefined,
    };
    return life;
  }

  /**
   * Once in a life: postgres.js would try again without a pause, and go on with a connection that nobody wants any
   * more.
   */
  async #reach(life: Life): Promise<Socket> {
    if (life.socket !== null) throw new Error("the server has closed the connection");
    const { socket, endpoint } = await dial(this.#target, CONNECT_MS);
    life.socket = socket;
    life.endpoint = endpoint;
    if (life.end === undefined) return socket;
    socket.destroy();
    throw life.end;
  }

  /** postgres.js would wait for a connection that says nothing, and for one that cannot be had. */
  async #giveUp(life: Life, reason: unknown, cancelMs = CANCEL_MS): Promise<void> {
    if (life.end !== undefined) return;
    life.end = reason instanceof Error ? reason : new Error(String(reason));
    if (this.#life === life) this.#life = null;
    clearTimeout(life.idleTimer);
    const { statement } = life;
    life.statement = null;
    const ending = life.sql.end({ timeout: 0 }).then(() => life.socket?.destroy());
    this.#options.onLost?.();
    // A server that ended the connection by itself has nothing left to cancel.
    const backend = reason instanceof postgres.PostgresError ? null : backendOf(statement);
    if (backend !== null) await cancel(this.#target, backend, cancelMs);
    await ending;
  }
}

/** Whether it is the server's answer to the statement: the connection goes on. */
export function isAnswer(error: unknown): boolean {
  return error instanceof postgres.PostgresError && error.severity === "ERROR";
}

/** The rest of what the server says repeats rows, and so what people have written: logs are no place for that. */
function withoutContents(error: unknown): unknown {
  if (typeof error === "object" && error !== null)
    for (const name of ["detail", "where", "internal_query"]) Reflect.deleteProperty(error, name);
  return error;
}

/** Whether postgres.js says only that there is no connection any more, not why. */
function isEnd(error: unknown): boolean {
  return ["CONNECTION_CLOSED", "CONNECTION_DESTROYED", "CONNECTION_ENDED"].includes(codeOf(error) ?? "");
}
