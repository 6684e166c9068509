/** Our own archive, written to as another process of ours would. */

import { DatabaseSync } from "node:sqlite";
import { openOwn } from "./stores.ts";

export class OwnArchive implements Disposable {
  readonly path: string;
  readonly db: DatabaseSync;

  private constructor(path: string) {
    this.path = path;
    this.db = new DatabaseSync(path);
    this.db.exec("PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON");
  }

  static async create(path: string): Promise<OwnArchive> {
    await openOwn(path).close();
    return new OwnArchive(path);
  }

  /** Adds a session with one message. */
  add(id: string, project = "demo"): this {
    this.db
      .prepare(
        "INSERT INTO sessions (id, project, created_at, message_count) VALUES (?, ?, '2026-01-01T00:00:00Z', 1)",
      )
      .run(id, project);
    this.db
      .prepare("INSERT INTO messages (session_id, ordinal, role, content) VALUES (?, 0, 'user', 'hello')")
      .run(id);
    return this;
  }

  /** What a sync does when a session has grown. */
  touch(id: string): this {
    this.db.prepare("UPDATE sessions SET message_count = message_count + 1 WHERE id = ?").run(id);
    return this;
  }

  [Symbol.dispose](): void {
    this.db.close();
  }
}
