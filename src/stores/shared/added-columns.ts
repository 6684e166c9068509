/** Makes migrations of the columns that later schema versions add. */

import type { Column } from "../../session/column.ts";
import { columnsSince, latestVersion } from "../../session/columns.ts";
import type { ArchiveTables } from "../../session/columns.ts";

/** How a database spells a migration. */
export interface Dialect {
  store: "sqlite" | "postgres";
  typeOf: (column: Column) => string;
  tableOf: (name: string) => string;
  literal: (value: string | number | boolean) => string;
}

/**
 * @param released the migrations that existing archives went through. They never change.
 * @returns these, and one for each later version that adds columns.
 */
export function withAddedColumns(
  released: readonly string[],
  dialect: Dialect,
  tables: ArchiveTables,
): string[] {
  const migrations = [...released];
  const { store, tableOf, typeOf, literal } = dialect;
  for (let version = released.length + 1; version <= latestVersion(store, tables); version += 1) {
    const added = columnsSince(store, version, tables).map(({ table, column }) => {
      const value = column.default === undefined ? "" : ` NOT NULL DEFAULT ${literal(column.default)}`;
      return `ALTER TABLE ${tableOf(table)} ADD COLUMN ${column.name} ${typeOf(column)}${value};`;
    });
    migrations.push(added.join("\n"));
  }
  return migrations;
}
