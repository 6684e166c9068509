/** One connection to the server, opened by its first statement. It never hangs, and once it is lost it stays lost. */

import type { Socket } from "node:net";
import postgres from "postgres";
import type { Sql } from "postgres";
import type { Clock } from "../../../async/clock.ts";
import { within } from "../../../async/deadline.ts";
import type { Expiry } from "../../../async/deadline.ts";
import { SerialQueue } from "../../../async/serial-queue.ts";
import { isAnswer, isConnectionEnd, withoutRowContents } from "../sql/postgres-errors.ts";
import type { ResultRow, Run, Value } from "../sql/statement.ts";
import type { ArchiveAddress } from "./archive-address.ts";
import { backendOf, cancel } from "./cancel-request.ts";
import { dial } from "./dial.ts";
import type { Dialled } from "./dial.ts";

export interface ConnectionOptions {
  /** What the connection is for; the server's administrator sees it. */
  purpose: string;
  /** How long (ms) it stays open while it is unused. @default for ever */
  idleMs?: number;
  /** How long (ms) the server may be silent while a statement runs. @default the statement's deadline */
  silenceMs?: number;
  /** Called for each notification. */
  onNotice?: (payload: string) => void;
  /** Called when a connection was lost or ended, once for each. */
  onLost?: () => void;
}

/** How long (ms) it may take to find the server's address, connect and encrypt. */
const CONNECT_MS = 2500;
/** How long (ms) a statement may take. */
const DEADLINE_MS = 2500;
/** How long (ms) the server has to cancel a statement. */
const CANCEL_MS = 1000;

const LOST = "the connection was lost";

/** Statements run one at a time. A statement's error is its own; a lost connection fails all that wait. */
export class PostgresConnection {
  readonly #address: ArchiveAddress;
  readonly #clock: Clock;
  readonly #options: ConnectionOptions;
  readonly #sql: Sql;
  readonly #queue = new SerialQueue();
  /** Null until a server is reached. */
  #dialled: Dialled | null = null;
  /** The statement that the server was sent last, until its answer. */
  #statement: object | null = null;
  #stopIdling = (): void => undefined;
  /** Why the connection has ended; undefined while it has not. */
  #end: Error | undefined;

  constructor(address: ArchiveAddress, clock: Clock, options: ConnectionOptions) {
    this.#address = address;
    this.#clock = clock;
    this.#options = options;
    this.#sql = this.#connect();
  }

  get isOver(): boolean {
    return this.#end !== undefined;
  }

  readonly run: Run = async (text, values = [], deadlineMs = DEADLINE_MS) => {
    this.#stopIdling();
    try {
      return await this.#queue.run(() => this.#ask(text, values, deadlineMs));
    } finally {
      if (this.#queue.pending === 0) this.#idle();
    }
  };

  /**
   * Ends the connection at once, where postgres.js would wait for a silent server; the running statement fails with
   * `reason`. Resolves when the server has cancelled it, or after `cancelMs`.
   */
  async giveUp(reason: unknown, cancelMs = CANCEL_MS): Promise<void> {
    if (this.#end !== undefined) return;
    this.#end = reason instanceof Error ? reason : new Error(String(reason));
    this.#stopIdling();
    const statement = this.#statement;
    this.#statement = null;
    const ending = this.#sql.end({ timeout: 0 }).then(() => this.#dialled?.socket.destroy());
    this.#options.onLost?.();
    // A server that ended the connection itself has nothing left to cancel.
    const backend = reason instanceof postgres.PostgresError ? null : backendOf(statement);
    if (backend !== null) await cancel(this.#address, backend, this.#clock, cancelMs);
    await ending;
  }

  async #ask(text: string, values: readonly Value[], deadlineMs: number): Promise<ResultRow[]> {
    // postgres.js would open another connection, which knows nothing of a transaction that has begun.
    if (this.#end !== undefined) throw this.#end;
    const query = this.#sql.unsafe<ResultRow[]>(text, [...values]);
    // postgres.js would keep the origin of each query that fails for ever.
    Object.defineProperty(query, "origin", { value: "" });
    this.#statement = query;
    const silenceMs = Math.min(this.#options.silenceMs ?? deadlineMs, deadlineMs);
    try {
      const rows = [
        ...(await within(query, silenceMs, this.#clock, this.#whenSilent(silenceMs, deadlineMs))),
      ];
      this.#statement = null;
      return rows;
    } catch (error) {
      if (isAnswer(error)) {
        this.#statement = null;
        throw withoutRowContents(error);
      }
      const reason = isConnectionEnd(error) ? (this.#end ?? new Error(LOST, { cause: error })) : error;
      void this.giveUp(reason);
      throw reason;
    }
  }

  /** Extends the wait until the deadline for as long as an answer is arriving. */
  #whenSilent(silenceMs: number, deadlineMs: number): Expiry {
    const bytesRead = (): number => this.#dialled?.socket.bytesRead ?? 0;
    let [waitMs, leftMs, before] = [silenceMs, deadlineMs, bytesRead()];
    return () => {
      const now = bytesRead();
      if (now <= before || leftMs <= waitMs) return new Error(`no answer within ${waitMs / 1000} s`);
      leftMs -= waitMs;
      waitMs = Math.min(silenceMs, leftMs);
      before = now;
      return waitMs;
    };
  }

  #idle(): void {
    const { idleMs } = this.#options;
    if (idleMs === undefined || this.isOver) return;
    // postgres.js' own idle timeout would give the next statement to a connection that is about to close.
    this.#stopIdling = this.#clock.after(
      idleMs,
      () => void this.giveUp(new Error("the connection was unused")),
    );
  }

  #connect(): Sql {
    const { purpose, onNotice } = this.#options;
    const { user, database, password } = this.#address;
    const options = {
      // What is not given here, postgres.js takes from variables. Host and port are never used.
      host: "archive",
      port: 5432,
      user,
      database,
      password: () => (this.#dialled === null ? "" : password(this.#dialled.server)),
      max: 1,
      // `#reach` has already encrypted the socket.
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
      // Poolers that change the connection after each transaction support neither prepared statements nor pipelines.
      prepare: false,
      max_pipeline: 0,
      fetch_types: false,
      // Counts as numbers; larger values are queried as text.
      types: { count: { to: 20, from: [20], serialize: String, parse: Number } },
      onnotice: () => undefined,
      onnotify: (_channel: string, payload: string) => onNotice?.(payload),
      onclose: () => void this.giveUp(new Error(LOST)),
    };
    return postgres(options);
  }

  /** Only once: postgres.js would reconnect without a pause, also when the connection is not needed any more. */
  async #reach(): Promise<Socket> {
    if (this.#dialled !== null) throw new Error("the server closed the connection");
    this.#dialled = await dial(this.#address, this.#clock, CONNECT_MS);
    const { socket } = this.#dialled;
    if (this.#end === undefined) return socket;
    socket.destroy();
    throw this.#end;
  }
}
