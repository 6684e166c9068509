/** A connection to a database with its prepared statements. */

import type { DatabaseSync, SQLInputValue, StatementResultingChanges, StatementSync } from "node:sqlite";
import type { Cell, CellRow } from "../../shared/draft-rows.ts";
import { sessionColumns } from "../../shared/session-rows.ts";
import type { KnownColumns } from "../../shared/session-rows.ts";
import type { SqliteTables } from "./tables.ts";

/** A statement that takes a row. Binding by position is several times as fast as by name. */
export interface RowStatement {
  sql: string;
  /** In the order of its parameters. */
  columns: readonly string[];
}

/** Keeps prepared statements: to prepare one costs more than to run it, and there are few texts. */
export class PreparedStatements {
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

/** A reading connection with the tables of its archive. */
export class SqliteConnection extends PreparedStatements {
  readonly tables: SqliteTables;
  readonly columns: KnownColumns;
  /** Each connection to the archive has its own. Marks of one mean nothing to another. */
  readonly generation: number;
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync, tables: SqliteTables, generation: number) {
    super(db);
    this.#db = db;
    this.tables = tables;
    this.columns = sessionColumns(tables.sessions);
    this.generation = generation;
  }

  /** Changes when another connection of any process commits. */
  dataVersion(): number {
    return Number(this.prepare("PRAGMA data_version").get()?.["data_version"]);
  }

  /** Changes when a table or a column is added or removed. */
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
