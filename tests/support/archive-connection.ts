/** A connection of a test's own to an archive, as another process has one. */

import { DatabaseSync } from "node:sqlite";

export type Row = Record<string, unknown>;

/** How long (ms) it waits for a lock. */
const LOCK_PATIENCE_MS = 5000;

export class ArchiveConnection implements Disposable {
  readonly #db: DatabaseSync;

  constructor(path: string, { readOnly = true }: { /** @default true */ readOnly?: boolean } = {}) {
    this.#db = new DatabaseSync(path, { readOnly, timeout: LOCK_PATIENCE_MS });
  }

  /** @returns rows whose whole numbers are BigInts: an mtime in nanoseconds does not fit into a number. */
  all(sql: string, ...values: string[]): Row[] {
    const statement = this.#db.prepare(sql);
    statement.setReadBigInts(true);
    return statement.all(...values);
  }

  /** Runs `work` in one transaction: all of it sees the archive at one moment. */
  atOnce<T>(work: () => T): T {
    this.#db.exec("BEGIN");
    try {
      return work();
    } finally {
      this.#db.exec("COMMIT");
    }
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}
