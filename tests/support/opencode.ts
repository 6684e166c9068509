/** A database of OpenCode's, written to as its program does: in a write-ahead log, by a connection that stays open. */

import { cpSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FIXTURES } from "./recordings.ts";

const FOLDER = ".local/share/opencode";

export interface OpenCodeOptions {
  /** The database is there already. @default false */
  isThere?: boolean;
  /** @default "opencode.db" */
  name?: string;
}

export class OpenCodeDatabase implements Disposable {
  /** A session that was recorded. */
  readonly id = "opencode:ses_dfb3db7caffejECXDDz7ZIT2gE";
  readonly #db: DatabaseSync;
  #messages = 0;

  /** @param home a copy of the recorded database is put into it. */
  constructor(home: string, { isThere = false, name = "opencode.db" }: OpenCodeOptions = {}) {
    const path = join(home, FOLDER, name);
    mkdirSync(dirname(path), { recursive: true });
    if (!isThere) cpSync(join(FIXTURES, "opencode", FOLDER, "opencode.db"), path);
    this.#db = new DatabaseSync(path);
    this.#db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  }

  /** Adds a prompt to the session, in one transaction. */
  prompt(text: string): this {
    this.#messages += 1;
    const id = this.id.slice("opencode:".length);
    const message = `msg_z${String(this.#messages).padStart(6, "0")}`;
    const atMs = Date.now();
    this.#db.exec("BEGIN");
    this.#db
      .prepare(
        "INSERT INTO message (id, session_id, time_created, time_updated, data) VALUES (?, ?, ?, ?, ?)",
      )
      .run(message, id, atMs, atMs, JSON.stringify({ role: "user", time: { created: atMs } }));
    this.#db
      .prepare(
        "INSERT INTO part (id, message_id, session_id, time_created, time_updated, data) VALUES (?, ?, ?, ?, ?, ?)",
      )
      .run(
        `prt_z${String(this.#messages).padStart(6, "0")}`,
        message,
        id,
        atMs,
        atMs,
        JSON.stringify({ type: "text", text }),
      );
    this.#db.prepare("UPDATE event_sequence SET seq = seq + 1 WHERE aggregate_id = ?").run(id);
    this.#db.exec("COMMIT");
    return this;
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}
