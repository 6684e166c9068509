/** One connection to the server, opened by its first statement; it never hangs, and once it fails it is over. */

import type { Socket } from "node:net";
import postgres from "postgres";
import type { Sql } from "postgres";
import { backendOf, cancel } from "./cancel.ts";
import { dial } from "./dial.ts";
import type { Endpoint } from "./endpoint.ts";
import { codeOf } from "./error-code.ts";
import { patience } from "./patience.ts";
import type { Row, Run, Value } from "./run.ts";
import type { Target } from "./target.ts";

export interface ConnectionOptions {
  /** What the connection is for; the server's administrator sees it. */
  purpose: string;
  /** How long (ms) it stays open while it is not used. @default for ever */
  idleMs?: number;
  /** How long (ms) the server may be silent, also where a statement has more time than that. @default for ever */
  silenceMs?: number;
  /** Called for each notification. */
  onNotice?: (payload: string) => void;
  /** It was lost, or given up. Called once. */
  onEnd: () => void;
}

/** How long (ms) a connection may take to be there: to find the server's address, to reach it, and to make it safe. */
const CONNECT_MS = 2500;
/** How long (ms) the server has for an answer. */
const DEADLINE_MS = 2500;
/** How long (ms) the server has to take note that an answer is not waited for any more. */
const CANCEL_MS = 1000;

const LOST = "the connection was lost";

/** Statements take turns; what one of them runs into is its own failure, but a lost connection is everybody's. */
export class Connection {
  readonly #target: Target;
  readonly #options: ConnectionOptions;
  readonly #sql: Sql;
  /** Null until the server is reached. */
  #socket: Socket | null = null;
  #endpoint: Endpoint | null = null;
  /** The statement that the server has been given last. */
  #statement: object | null = null;
  /** Resolves when the statement before is over. */
  #turn: Promise<void> = Promise.resolve();
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  /** Why it is over; undefined while it goes on. */
  #end: Error | undefined;

  constructor(target: Target, options: ConnectionOptions) {
    this.#target = target;
    this.#options = options;
    this.#sql = this.#begin();
  }

  get isOver(): boolean {
    return this.#end !== undefined;
  }

  readonly run: Run = async (text, values = [], deadlineMs = DEADLINE_MS) => {
    const before = this.#turn;
    const { promise: turn, resolve: endTurn } = Promise.withResolvers<void>();
    this.#turn = turn;
    clearTimeout(this.#idleTimer);
    try {
      await before;
      return await this.#ask(text, values, deadlineMs);
    } finally {
      endTurn();
      if (this.#turn === turn) this.#rest();
    }
  };

  /**
   * At once: what is under way fails with `reason`. postgres.js would wait for a connection that says nothing, and for
   * one that cannot be had.
   *
   * Resolves when the server knows it too, or has not answered for `cancelMs`.
   */
  async giveUp(reason: unknown, cancelMs = CANCEL_MS): Promise<void> {
    if (this.#end !== undefined) return;
    this.#end = reason instanceof Error ? reason : new Error(String(reason));
    clearTimeout(this.#idleTimer);
    const statement = this.#statement;
    this.#statement = null;
    const ending = this.#sql.end({ timeout: 0 }).then(() => this.#socket?.destroy());
    this.#options.onEnd();
    // A server that ended the connection by itself has nothing left to cancel.
    const backend = reason instanceof postgres.PostgresError ? null : backendOf(statement);
    if (backend !== null) await cancel(this.#target, backend, cancelMs);
    await ending;
  }

  async #ask(text: string, values: readonly Value[], deadlineMs: number): Promise<Row[]> {
    // postgres.js would go on with a connection that knows nothing of the transaction.
    if (this.#end !== undefined) throw this.#end;
    const query = this.#sql.unsafe<Row[]>(text, [...values]);
    // For each query that fails, postgres.js would keep for ever where it came from.
    Object.defineProperty(query, "origin", { value: "" });
    this.#statement = query;
    const { silenceMs = deadlineMs } = this.#options;
    const { lost, end } = patience({ deadlineMs, silenceMs, socket: () => this.#socket });
    try {
      const rows = [...(await Promise.race([query, lost]))];
      this.#statement = null;
      return rows;
    } catch (error) {
      if (isAnswer(error)) {
        this.#statement = null;
        throw withoutContents(error);
      }
      const reason = isEnd(error) ? (this.#end ?? new Error(LOST, { cause: error })) : error;
      void this.giveUp(reason);
      throw reason;
    } finally {
      end();
    }
  }

  #rest(): void {
    const { idleMs } = this.#options;
    if (idleMs === undefined || this.isOver) return;
    // Not left to postgres.js, which would give the next statement to a connection that is about to close.
    this.#idleTimer = setTimeout(() => void this.giveUp(new Error("the connection was not used")), idleMs);
  }

  #begin(): Sql {
    const { purpose, onNotice } = this.#options;
    const { user, database, password } = this.#target;
    const options = {
      // Never used, but otherwise taken from variables, as is whatever else is not given.
      host: "archive",
      port: 5432,
      user,
      database,
      // By a function, also where it is empty: otherwise postgres.js would take it from a variable.
      password: () => (this.#endpoint === null ? "" : password(this.#endpoint)),
      max: 1,
      // The socket is encrypted already, where it has to be.
      ssl: false,
      sslnegotiation: null,
      socket: () => this.#reach(),
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
      onclose: () => void this.giveUp(new Error(LOST)),
    };
    return postgres(options);
  }

  /** Once: postgres.js would try again without a pause, and go on with a connection that nobody wants any more. */
  async #reach(): Promise<Socket> {
    if (this.#socket !== null) throw new Error("the server has closed the connection");
    const { socket, endpoint } = await dial(this.#target, CONNECT_MS);
    this.#socket = socket;
    this.#endpoint = endpoint;
    if (this.#end === undefined) return socket;
    socket.destroy();
    throw this.#end;
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
