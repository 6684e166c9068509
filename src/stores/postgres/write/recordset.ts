/** Sends rows to the server as JSON, which becomes a table there. */

import type { Column } from "../../../session/column.ts";
import type { CellRow } from "../../shared/draft-rows.ts";
import { dollarQuoted, quoted } from "../sql/quoting.ts";
import { cellAs } from "./cell.ts";
import type { JsonCell } from "./cell.ts";
import { SQL_TYPES } from "../schema/sql-types.ts";

/** The length of one statement in UTF-16 units; only a single row can exceed it. */
const PIECE_LENGTH = 4_000_000;

/** A set of columns with known types. */
export class Recordset {
  readonly columns: readonly Column[];

  constructor(columns: readonly Column[]) {
    this.columns = columns;
  }

  /** The columns as a list in SQL. */
  get names(): string {
    return this.columns.map(({ name }) => quoted(name)).join(", ");
  }

  /**
   * @returns tables `r` in SQL, each with a part of the rows; columns that a row lacks are NULL.
   */
  tables(rows: Iterable<CellRow>): string[] {
    const types = this.columns.map(({ name, type }) => `${quoted(name)} ${SQL_TYPES[type]}`).join(", ");
    return this.#pieces(rows).map(
      (piece) => `json_to_recordset(${dollarQuoted(`[${piece.join(",")}]`)}::json) AS r (${types})`,
    );
  }

  #pieces(rows: Iterable<CellRow>): string[][] {
    const pieces: string[][] = [];
    let length = Number.POSITIVE_INFINITY;
    for (const row of rows) {
      const text = JSON.stringify(this.#record(row));
      length += text.length;
      if (length > PIECE_LENGTH) {
        pieces.push([]);
        ({ length } = text);
      }
      pieces.at(-1)?.push(text);
    }
    return pieces;
  }

  #record(row: CellRow): Record<string, JsonCell> {
    const cells = this.columns.map(({ name, type }) => [name, cellAs(type, row[name] ?? null)] as const);
    return Object.fromEntries(cells);
  }
}
