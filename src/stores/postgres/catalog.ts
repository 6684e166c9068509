/** The tables of an archive, remembered until somebody has changed them. */

import { WatchError } from "../../errors.ts";
import { codeOf } from "./connect/error-code.ts";
import type { Run } from "./connect/run.ts";
import { StaleTables } from "./read/look.ts";
import { sessionsOf } from "./read/sessions.ts";
import { findSchema, readTables } from "./read/tables.ts";
import type { Tables } from "./read/tables.ts";

/** Asks something of an archive that has these tables. */
export type Query<T> = (run: Run, tables: Tables) => Promise<T>;

export class Catalog {
  readonly #schema: string | null;
  readonly #onFound: () => void;
  /** Null until they are known, and again when they may have changed. */
  #tables: Tables | null = null;
  /** The archive that was opened: what is found later under its name may be another one that takes its place. */
  #first: Pick<Tables, "schema" | "objectId"> | null = null;

  /**
   * @param schema null for the first of the usual ones that has an archive.
   * @param onFound called when the tables were looked at: they may be others.
   */
  constructor(schema: string | null, onFound: () => void) {
    this.#schema = schema;
    this.#onFound = onFound;
  }

  /** As they were found last; null while they are not known. */
  get tables(): Tables | null {
    return this.#tables;
  }

  /** @throws WatchError `archive_unusable`, `archive_unavailable`, and what `query` throws. */
  async ask<T>(run: Run, query: Query<T>): Promise<T> {
    try {
      return await query(run, await this.#known(run));
    } catch (error) {
      // Somebody has changed the tables since they were looked at: look again, and ask once more.
      if (!(error instanceof StaleTables) && !isSchemaError(error)) throw error;
      this.#tables = null;
      return await query(run, await this.#known(run));
    }
  }

  async #known(run: Run): Promise<Tables> {
    if (this.#tables !== null) return this.#tables;
    // Only the schema that was found first: while that is restored, another of the usual ones holds other sessions.
    const schema = await findSchema(run, this.#schema ?? this.#first?.schema ?? null);
    const tables = await readTables(run, schema);
    this.#first ??= tables;
    if (tables.objectId !== this.#first.objectId) await checkRestored(run, tables);
    this.#tables = tables;
    this.#onFound();
    return tables;
  }
}

/**
 * A restore makes the tables first and fills them later: until then, nothing was deleted.
 *
 * @throws WatchError `archive_unavailable`
 */
async function checkRestored(run: Run, tables: Tables): Promise<void> {
  const rows = await run(`SELECT FROM ${sessionsOf(tables)} LIMIT 1`);
  if (rows.length === 0)
    throw new WatchError("archive_unavailable", "its sessions table was made anew, and is still empty");
}

/** A table, a column or a schema is not there, or not what it was; but not that the role lacks a right. */
function isSchemaError(error: unknown): boolean {
  const code = codeOf(error);
  return code === "3F000" || (code?.startsWith("42") === true && code !== "42501");
}
