/** Our own archives, in each database that they can lie in: what a test needs to write to one, and to see what is in it. */

import { systemClock } from "../../src/runtime/clock.ts";
import { openSqlite } from "../../src/stores/sqlite/open.ts";
import type { ArchiveWriting } from "../../src/watch/archive.ts";
import { ArchiveConnection } from "./archive-connection.ts";
import { expectNoFaults, imageOf } from "./archive-image.ts";
import type { Image } from "./archive-image.ts";
import { PostgresOwnArchive } from "./postgres/own-archive.ts";
import type { PostgresServer } from "./postgres/server.ts";
import type { Where } from "./sync-process.ts";
import { Workspace } from "./workspace.ts";

export type Writer = ArchiveWriting & { close(): Promise<void> };

/** One archive. */
export interface WritableArchive extends AsyncDisposable {
  /** Another one each time, as another process has it; it ends with this. */
  writer(machine?: string): Writer;
  /** For a process of its own. */
  where(machine?: string): Where;
  image(): Promise<Image>;
  /** Checks what must hold at any moment. @returns how many messages each session has. */
  expectNoFaults(): Promise<Map<string, number>>;
  /** What a person does to the archive by other means. */
  change(sql: string): Promise<void>;
}

export async function writableSqlite(): Promise<WritableArchive> {
  const workspace = new Workspace();
  const { archive: path } = workspace;
  const writers: Writer[] = [];
  const open = (machine: string): Writer => {
    const { archive } = openSqlite(path, { isDefault: true, readOnly: false, clock: systemClock, machine });
    if (archive === undefined) throw new Error("our own archive can be written");
    writers.push(archive);
    return archive;
  };
  open("local");
  return {
    writer: (machine = "local") => open(machine),
    where: (machine = "local") => ({ path, machine }),
    image: async () => imageOf(path),
    expectNoFaults: async () => expectNoFaults(path),
    async change(sql) {
      using db = new ArchiveConnection(path, { readOnly: false });
      db.all(sql);
    },
    async [Symbol.asyncDispose]() {
      for (const writer of writers) await writer.close();
      workspace[Symbol.dispose]();
    },
  };
}

/** @param database of the server; a new one by default. */
export async function writablePostgres(server: PostgresServer, database?: string): Promise<WritableArchive> {
  const own = await PostgresOwnArchive.create(server, database);
  return {
    writer: (machine) => own.writer(machine),
    where: (machine = "local") => ({ url: own.url, schema: own.schema, machine }),
    image: () => own.image(),
    expectNoFaults: () => own.expectNoFaults(),
    async change(sql) {
      await own.sql.unsafe(sql);
    },
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  };
}
