/** Remembers the tables of an archive until they change. */

import { codeOf } from "../../../async/failure-words.ts";
import { WatchError } from "../../../errors.ts";
import type { Run } from "../sql/statement.ts";
import { findSchema, introspect } from "./introspection.ts";
import type { IntrospectedTables } from "./introspection.ts";
import { sessionsOf } from "./sessions.ts";
import { StaleTables } from "./snapshot.ts";

/** Reads something from an archive that has these tables. */
export type Query<T> = (run: Run, tables: IntrospectedTables) => Promise<T>;

export class SchemaTables {
  readonly #schema: string | null;
  readonly #onFound: () => void;
  /** Null until they are read, and again when they may have changed. */
  #tables: IntrospectedTables | null = null;
  /** The archive that was opened: another one may take its name later. */
  #first: Pick<IntrospectedTables, "schema" | "objectId"> | null = null;

  /**
   * @param schema null for the first of the usual ones that holds an archive.
   * @param onFound called when the tables were read, also if they are the same.
   */
  constructor(schema: string | null, onFound: () => void) {
    this.#schema = schema;
    this.#onFound = onFound;
  }

  /** As they were read last; null while they are not known. */
  get known(): IntrospectedTables | null {
    return this.#tables;
  }

  /** @throws WatchError `archive_unusable`, `archive_unavailable`, and what `query` throws. */
  async ask<T>(run: Run, query: Query<T>): Promise<T> {
    try {
      return await query(run, await this.#current(run));
    } catch (error) {
      // The tables have changed since they were read: read them again, and repeat the query once.
      if (!(error instanceof StaleTables) && !isSchemaError(error)) throw error;
      this.#tables = null;
      return await query(run, await this.#current(run));
    }
  }

  async #current(run: Run): Promise<IntrospectedTables> {
    if (this.#tables !== null) return this.#tables;
    // Stays with the first schema: while that one is restored, another of the usual ones holds other sessions.
    const schema = await findSchema(run, this.#schema ?? this.#first?.schema ?? null);
    const tables = await introspect(run, schema);
    this.#first ??= tables;
    if (tables.objectId !== this.#first.objectId) await checkRestored(run, tables);
    this.#tables = tables;
    this.#onFound();
    return tables;
  }
}

/**
 * A restore creates the tables first and fills them later; the empty table does not mean that sessions were deleted.
 *
 * @throws WatchError `archive_unavailable`
 */
async function checkRestored(run: Run, tables: IntrospectedTables): Promise<void> {
  const rows = await run(`SELECT FROM ${sessionsOf(tables)} LIMIT 1`);
  if (rows.length === 0)
    throw new WatchError("archive_unavailable", "its sessions table was recreated and is empty");
}

/** @returns whether a table, column or schema is missing or has changed; not whether the role lacks a right. */
function isSchemaError(error: unknown): boolean {
  const code = codeOf(error) ?? "";
  return code === "3F000" || (code.startsWith("42") && code !== "42501");
}
