/** An archive with triggers, on a server with a small queue for notifications that listeners have not taken. */

import type { Sql } from "postgres";
import { PostgresForeignArchive } from "./foreign-archive.ts";
import { INSTALLATIONS, PostgresServer } from "./server.ts";
import type { Installation } from "./server.ts";

/** Older ones have a queue of 8 GB that cannot be made smaller. */
export const WITH_SMALL_QUEUES = INSTALLATIONS.filter(({ name }) => Number(name.split(" ").at(-1)) >= 17);

export class SmallQueue implements AsyncDisposable {
  readonly archive: PostgresForeignArchive;
  readonly #server: PostgresServer;
  #sleeper: Sql | null = null;

  private constructor(server: PostgresServer, archive: PostgresForeignArchive) {
    this.#server = server;
    this.archive = archive;
  }

  /** @returns one of 512 kB. */
  static async of(installation: Installation): Promise<SmallQueue> {
    const server = await PostgresServer.start({ installation, settings: ["max_notify_queue_pages = 64"] });
    const archive = await PostgresForeignArchive.create(server);
    await archive.tell();
    return new SmallQueue(server, archive);
  }

  /** From now on a listener takes no notification. */
  async clog(): Promise<void> {
    this.#sleeper = this.#server.connect(this.archive.database);
    await this.#sleeper.unsafe("LISTEN anything");
    await this.#sleeper.unsafe("BEGIN; SELECT 1");
  }

  /** The listener that took nothing is gone. */
  async clear(): Promise<void> {
    await this.#sleeper?.end({ timeout: 0 });
    this.#sleeper = null;
  }

  /** @returns which part of it is taken. */
  async usage(): Promise<number> {
    const [row] = await this.archive.sql`SELECT pg_notification_queue_usage() AS usage`;
    return Number(row?.["usage"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.clear();
    await this.archive[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }
}
