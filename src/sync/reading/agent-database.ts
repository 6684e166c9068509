/** Reads another program's SQLite database while that program writes to it: never a write, never a long transaction. */

import { pathToFileURL } from "node:url";
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import type { Rows } from "../../agents/agent.ts";
import { pause } from "../../async/abortable.ts";
import type { Clock } from "../../async/clock.ts";
import { unreadable } from "./unreadable.ts";

/** How long (ms) a lock is waited for: writers of a write-ahead log hardly ever lock readers out. */
const LOCK_MS = 1500;
/** Longest pause (ms) between two tries. */
const LOCK_RETRY_MS = 10;

/** One connection, kept for as long as the file is the same. */
export class AgentDatabase {
  readonly #path: string;
  readonly #clock: Clock;
  #db: DatabaseSync | null = null;
  #statements = new Map<string, StatementSync>();
  #columns = new Map<string, ReadonlySet<string>>();
  #identity = "";
  #schemaVersion = -1;
  /** Counts connections: a data version means something on one only. */
  #generation = 0;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /**
   * @param identity of the file and the log that are there now: others are opened anew.
   * @returns a token that changes with every commit.
   * @throws WatchError `transcript_unreadable`
   */
  async revision(identity: string): Promise<string> {
    return await this.#patiently(identity, (db) => {
      const [row] = db.prepare("PRAGMA data_version").all();
      return `${this.#generation}:${String(row?.["data_version"])}`;
    });
  }

  /** All that `read` asks is of one moment. @throws WatchError `transcript_unreadable` */
  async read<T>(identity: string, read: (rows: Rows) => T): Promise<T> {
    return await this.#patiently(identity, (db) => {
      db.exec("BEGIN");
      try {
        this.#noteSchema(db);
        return read({
          columns: (table) => this.#columnsOf(db, table),
          all: (sql, ...parameters) => this.#prepare(db, sql).all(...parameters),
        });
      } finally {
        db.exec("COMMIT");
      }
    });
  }

  close(): void {
    this.#db?.close();
    this.#db = null;
    this.#statements = new Map();
  }

  async #patiently<T>(identity: string, work: (db: DatabaseSync) => T): Promise<T> {
    const deadlineMs = this.#clock.now() + LOCK_MS;
    for (;;) {
      try {
        return work(this.#open(identity));
      } catch (error) {
        if (!isBusy(error) || this.#clock.now() > deadlineMs) {
          // What this connection remembers may be of another file.
          this.close();
          throw unreadable(this.#path, error, "database");
        }
      }
      await pause(Math.random() * LOCK_RETRY_MS, this.#clock, NEVER);
    }
  }

  #open(identity: string): DatabaseSync {
    if (this.#db !== null && this.#identity === identity) return this.#db;
    this.close();
    const db = new DatabaseSync(pathToFileURL(this.#path), { readOnly: true });
    db.exec("PRAGMA busy_timeout = 0; PRAGMA query_only = 1");
    this.#db = db;
    this.#identity = identity;
    this.#generation += 1;
    this.#schemaVersion = -1;
    return db;
  }

  /** Columns come with releases of the program, whose migrations may run while we read. */
  #noteSchema(db: DatabaseSync): void {
    const version = Number(this.#prepare(db, "PRAGMA schema_version").get()?.["schema_version"]);
    if (version !== this.#schemaVersion) this.#columns = new Map();
    this.#schemaVersion = version;
  }

  #columnsOf(db: DatabaseSync, table: string): ReadonlySet<string> {
    const known = this.#columns.get(table);
    if (known !== undefined) return known;
    const rows = this.#prepare(db, "SELECT name FROM pragma_table_info(?)").all(table);
    const columns = new Set(rows.map(({ name }) => String(name)));
    this.#columns.set(table, columns);
    return columns;
  }

  #prepare(db: DatabaseSync, sql: string): StatementSync {
    const statement = this.#statements.get(sql) ?? db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

const NEVER = new AbortController().signal;

function isBusy(error: unknown): boolean {
  return error instanceof Error && /^database (table |schema )?is locked/.test(error.message);
}
