/** What the program knows of one column. Statements, migrations, answers and documents are made from it. */

/** A `time` is RFC 3339 UTC. A `bigint` has 64 bits, more than JSON readers can hold. */
export type ColumnType = "text" | "integer" | "bigint" | "boolean" | "time";

export interface Column {
  /** The name in archives and in JSON, as agentsview has it. */
  readonly name: string;
  readonly type: ColumnType;
  /** One sentence: the description in `/openapi.json`. */
  readonly means: string;
  /** The schema version that has added it to our own archives. Absent if only foreign archives have it. */
  readonly since?: { readonly sqlite?: number; readonly postgres?: number };
  /** The value of rows that set none. A column with a default cannot be NULL in our own archives. */
  readonly default?: string | number | boolean;
  /** Clients get it. Answers keep the order of the table. */
  readonly isShown?: true;
  /** Every archive has it, with a value in each row. */
  readonly isEssential?: true;
  /** A sync writes it. */
  readonly isSynced?: true;
}

type NameWith<C extends Column, Mark> = Extract<C, Mark>["name"];

/** The names of the columns that clients get. */
export type ShownName<C extends readonly Column[]> = NameWith<C[number], { isShown: true }>;
/** The names of the columns that a sync writes. */
export type SyncedName<C extends readonly Column[]> = NameWith<C[number], { isSynced: true }>;

/** The type of a column's values in JSON. @template B the type of booleans. */
type WireValue<T extends ColumnType, B> = T extends "text" | "time"
  ? string
  : T extends "boolean"
    ? B
    : number;

/**
 * A row as clients get it. A column is absent if the archive lacks it, unless it is essential.
 *
 * @template B the type of booleans.
 */
export type WireRow<C extends readonly Column[], B> = {
  [S in Essential<C> as S["name"]]: WireValue<S["type"], B>;
} & {
  [S in Exclude<Shown<C>, Essential<C>> as S["name"]]?: WireValue<S["type"], B> | null;
};

type Shown<C extends readonly Column[]> = Extract<C[number], { isShown: true }>;
type Essential<C extends readonly Column[]> = Extract<Shown<C>, { isEssential: true }>;

/** @returns the names of the columns for which `has` is true. */
export function namesOf<C extends Column>(columns: readonly C[], has: (column: C) => boolean): string[] {
  return columns.filter(has).map(({ name }) => name);
}

export function shownNames(columns: readonly Column[]): string[] {
  return namesOf(columns, ({ isShown }) => isShown === true);
}

export function syncedNames(columns: readonly Column[]): string[] {
  return namesOf(columns, ({ isSynced }) => isSynced === true);
}
