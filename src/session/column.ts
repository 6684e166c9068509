/** What is known of one column of an archive: everything that names a column is made from this. */

/** A time is RFC 3339 UTC as text; a bigint may exceed what JSON readers can hold. */
export type ColumnType = "text" | "integer" | "bigint" | "boolean" | "time";

export interface Column {
  /** In archives and in JSON: the name that an agentsview archive has. */
  readonly name: string;
  readonly type: ColumnType;
  /** What it says, in one sentence: the description in `/openapi.json`. */
  readonly means: string;
  /** First schema version of our own archives that has it; without it, only archives of others have it. */
  readonly since?: { readonly sqlite?: number; readonly postgres?: number };
  /** Its value where nothing else is said; with one, our own archives allow no NULL. */
  readonly default?: string | number | boolean;
  /** Lists and details show it, in the order of the table. */
  readonly isShown?: true;
  /** A sync writes it. */
  readonly isSynced?: true;
}

type NameWith<C extends Column, Mark> = Extract<C, Mark>["name"];

/** The names of the columns that clients get. */
export type ShownName<C extends readonly Column[]> = NameWith<C[number], { isShown: true }>;
/** The names of the columns that a sync writes. */
export type SyncedName<C extends readonly Column[]> = NameWith<C[number], { isSynced: true }>;

/** What JSON has of a column's values. @template B what a boolean is there. */
type WireValue<T extends ColumnType, B> = T extends "text" | "time"
  ? string
  : T extends "boolean"
    ? B
    : number;

/**
 * A row as clients get it: an archive need not have every column, nor a value in it.
 *
 * @template B what a boolean is there.
 */
export type WireRow<C extends readonly Column[], B> = {
  [S in Extract<C[number], { isShown: true }> as S["name"]]?: WireValue<S["type"], B> | null;
};

/** @returns the names of the columns that have this mark. */
export function namesOf<C extends Column>(columns: readonly C[], has: (column: C) => boolean): string[] {
  return columns.filter(has).map(({ name }) => name);
}

export function shownNames(columns: readonly Column[]): string[] {
  return namesOf(columns, ({ isShown }) => isShown === true);
}

export function syncedNames(columns: readonly Column[]): string[] {
  return namesOf(columns, ({ isSynced }) => isSynced === true);
}
