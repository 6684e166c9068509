/** Questions to a database, as agents ask them. */

import type { DatabaseSync } from "node:sqlite";
import type { Rows } from "../../src/agents/agent.ts";

export function rowsOf(db: DatabaseSync): Rows {
  return {
    columns: (table) =>
      new Set(
        db
          .prepare("SELECT name FROM pragma_table_info(?)")
          .all(table)
          .map(({ name }) => String(name)),
      ),
    all: (sql, ...parameters) => db.prepare(sql).all(...parameters),
  };
}
