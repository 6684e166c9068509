/** A connection to a database, with the statements that were prepared on it. */

import type { DatabaseSync, SQLInputValue, StatementResultingChanges, StatementSync } from "node:sqlite";
import type { Cell, CellRow } from "../../shared/draft-rows.ts";
import { sessionColumns } from "../../shared/session-rows.ts";
import type { KnownColumns } from "../../shared/session-rows.ts";
import type { Tables } from "./tables.ts";

/** A statement that takes a row: bound by position, which is several times as fast as by name. */
export interface RowStatement {
  sql: string;
  /** In the order of its parameters. */
  columns: readonly string[];
}

/** Preparing costs more than running, and a connection sees the same few texts again and again. */
export class Statements {
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** @returns the same statement for the same text. */
  prepare(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }

  /** Columns that the row lacks become NULL. */
  run({ sql, columns }: RowStatement, row: CellRow): StatementResultingChanges {
    return this.prepare(sql).run(...columns.map((column) => bound(row[column])));
  }
}

/** A reading connection, with what was learned about the archive when it was opened. */
export class SqliteConnection extends Statements {
  readonly tables: Tables;
  readonly columns: KnownColumns;
  /** Differs from that of every other connection to the archive: what one has seen, another cannot go on from. */
  readonly generation: number;
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync, tables: Tables, generation: number) {
    super(db);
    this.#db = db;
    this.tables = tables;
    this.columns = sessionColumns(tables.sessions);
    this.generation = generation;
  }

  /** Changes when any other connection, here or elsewhere, commits. */
  dataVersion(): number {
    return Number(this.prepare("PRAGMA data_version").get()?.["data_version"]);
  }

  /** Changes with every table and column. */
  schemaVersion(): number {
    return Number(this.prepare("PRAGMA schema_version").get()?.["schema_version"]);
  }

  close(): void {
    this.#db.close();
  }
}

/** SQLite has no booleans. */
function bound(cell: Cell | undefined): SQLInputValue {
  return typeof cell === "boolean" ? Number(cell) : (cell ?? null);
}
