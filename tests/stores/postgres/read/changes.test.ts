import process from "node:process";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { openStore } from "../../../../src/mod.ts";
import type { Changes, Store } from "../../../../src/watch/ports.ts";
import { PostgresForeignArchive } from "../../../support/postgres/foreign-archive.ts";
import { INSTALLATIONS, PostgresServer, sharedServer } from "../../../support/postgres/server.ts";
import { until } from "../../../support/program.ts";

for (const installation of INSTALLATIONS) {
  describe(`changes() of an archive in ${installation.name}`, () => {
    let archive: PostgresForeignArchive;
    let store: Store;
    let changes: Changes;

    beforeEach(async () => {
      archive = await PostgresForeignArchive.create(await sharedServer(installation));
      for (const id of ["a", "b", "c"]) await archive.add(id);
      ({ store } = await openStore(archive.url));
      changes = await store.changes(null);
    });
    afterEach(async () => {
      await store.close();
      await archive[Symbol.asyncDispose]();
    });

    /** The ids of what has changed since the last time. */
    async function changed(): Promise<string[]> {
      changes = await store.changes(changes.mark);
      return [...changes.states.keys()].toSorted();
    }

    test("returns what has changed, and scans no row while nothing in the server changes", async () => {
      await archive.touch("b");
      expect([await changed(), changes.isComplete, changes.isScan, changes.total]).toEqual([
        ["b"],
        false,
        true,
        3,
      ]);
      // Other tests use the server, too, and may have committed something.
      await expect(seen(async () => (await changed()).length === 0 && !changes.isScan)).resolves.toBe(true);
      expect(changes.total).toBeNull();
    });

    test("reports a session in the trash as gone, and counts removed ones", async () => {
      await archive.trash("a");
      expect([await changed(), changes.states.get("a"), changes.total]).toEqual([["a"], null, 2]);
      await archive.remove("b");
      expect([await changed(), changes.total]).toEqual([[], 1]);
    });

    test("misses no transaction that began earlier than others, and commits later", async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const { promise: isWritten, resolve: written } = Promise.withResolvers<void>();
      const late = archive.sql.begin(async (sql) => {
        await sql.unsafe(
          `UPDATE ${archive.table("sessions")} SET message_count = 7, updated_at = now() WHERE id = 'a'`,
        );
        written();
        await promise;
      });
      await isWritten;
      const other = (await sharedServer(installation)).connect(archive.database);
      await other.unsafe(`UPDATE ${archive.table("sessions")} SET message_count = 8 WHERE id = 'b'`);
      expect(await changed()).toEqual(["b"]);
      resolve();
      await late;
      expect(await changed()).toContain("a");
      expect(changes.states.get("a")?.messageCount).toBe(7);
      await other.end();
    });

    test("does not depend on clocks: past and future times change nothing", async () => {
      const sessions = archive.table("sessions");
      await archive.sql.unsafe(`UPDATE ${sessions} SET updated_at = '1970-01-01' WHERE id = 'a'`);
      expect(await changed()).toEqual(["a"]);
      await archive.sql.unsafe(`UPDATE ${sessions} SET updated_at = '2999-01-01' WHERE id = 'b'`);
      expect(await changed()).toEqual(["b"]);
      await archive.touch("a");
      expect(await changed()).toEqual(["a"]);
    });

    test("returns what a savepoint wrote", async () => {
      await archive.sql.begin(async (sql) => {
        await sql.savepoint((inner) =>
          inner.unsafe(`UPDATE ${archive.table("sessions")} SET message_count = 9 WHERE id = 'c'`),
        );
      });
      expect(await changed()).toEqual(["c"]);
    });

    test("reads all sessions of a table that was created again, and knows its columns", async () => {
      const { state } = { state: changes.states.get("a") };
      await archive.sql.unsafe(
        `ALTER TABLE ${archive.table("sessions")} ADD COLUMN transcript_revision text`,
      );
      await archive.touch("a");
      expect([...(await changed())]).toContain("a");
      expect(changes.states.get("a")?.version).not.toBe(state?.version);
      await archive.sql.unsafe(
        `DROP SCHEMA ${archive.schema} CASCADE; CREATE SCHEMA ${archive.schema};
         CREATE TABLE ${archive.table("sessions")} (id text PRIMARY KEY, message_count integer);
         INSERT INTO ${archive.table("sessions")} VALUES ('new', 1)`,
      );
      expect([await changed(), changes.isComplete]).toEqual([["new"], true]);
      expect(changes.states.get("new")).toMatchObject({ messageCount: 1, project: null, machine: null });
    });

    test("reads all sessions again when a column gets a name that versions use", async () => {
      const sessions = archive.table("sessions");
      await archive.sql.unsafe(`ALTER TABLE ${sessions} ADD COLUMN hash text`);
      await changed();
      await archive.sql.unsafe(`ALTER TABLE ${sessions} RENAME hash TO file_hash`);
      expect(await changed()).toEqual(["a", "b", "c"]);
      const before = changes.states.get("a")?.version;
      await archive.sql.unsafe(`UPDATE ${sessions} SET file_hash = 'another' WHERE id = 'a'`);
      expect(await changed()).toContain("a");
      expect(changes.states.get("a")?.version).not.toBe(before);
    });

    test("goes on when a column gets another type", async () => {
      await archive.sql.unsafe(
        `ALTER TABLE ${archive.table("sessions")} ALTER updated_at TYPE text USING updated_at::text`,
      );
      expect((await changed()).length).toBe(3);
      await archive.sql.unsafe(
        `ALTER TABLE ${archive.table("sessions")} ALTER updated_at TYPE timestamp USING updated_at::timestamp`,
      );
      expect((await changed()).length).toBe(3);
      const { store: another } = await openStore(archive.url);
      expect((await another.changes(null)).states).toEqual(changes.states);
      await another.close();
    });

    test("is not misled by a session without an id", async () => {
      await archive.sql.unsafe(
        `ALTER TABLE ${archive.table("sessions")} DROP CONSTRAINT sessions_pkey CASCADE;
         ALTER TABLE ${archive.table("sessions")} ALTER id DROP NOT NULL;
         INSERT INTO ${archive.table("sessions")} (id, machine, project, agent) VALUES (NULL, 'm', 'p', 'claude')`,
      );
      await archive.touch("a");
      expect(await changed()).toContain("a");
      expect([...(await store.changes(null)).states.keys()].toSorted()).toEqual(["a", "b", "c"]);
    });

    test("reads all rows of a view, which have no transaction numbers", async () => {
      const view = await PostgresForeignArchive.create(await sharedServer(installation), { schema: "other" });
      await view.sql.unsafe(
        `ALTER TABLE ${view.table("sessions")} RENAME TO real; CREATE VIEW ${view.table("sessions")} AS SELECT * FROM other.real;
         INSERT INTO other.real (id, machine, project, agent, message_count) VALUES ('v', 'm', 'p', 'claude', 1)`,
      );
      const opened = await openStore(`${view.url}?schema=other`);
      const { mark } = await opened.store.changes(null);
      expect(await opened.store.changes(mark)).toMatchObject({ isComplete: true, total: 1 });
      await opened.store.close();
      await view[Symbol.asyncDispose]();
    });
  });
}

test("changes() reads all sessions again after a restart of the server: its transactions may be others", async () => {
  await using server = await PostgresServer.start();
  await using archive = await PostgresForeignArchive.create(server);
  await archive.add("a");
  const { store } = await openStore(archive.url);
  const { mark } = await store.changes(null);
  await server.stop();
  await expect(store.changes(mark)).rejects.toMatchObject({ code: "archive_unavailable" });
  await server.resume();
  expect(await store.changes(mark)).toMatchObject({ isComplete: true, total: 1 });
  await store.close();
});

test("changes() reads all sessions again after a crash of the server: it reuses the numbers of lost transactions", async () => {
  await using server = await PostgresServer.start({
    settings: ["wal_writer_delay = 10s", "wal_writer_flush_after = 1GB"],
  });
  await using archive = await PostgresForeignArchive.create(server);
  await archive.add("a");
  const { store } = await openStore(archive.url);
  // Nothing of these has come to the disk when the server crashes.
  for (let i = 0; i < 20; i += 1) await archive.sql.unsafe("BEGIN; SELECT txid_current(); ROLLBACK");
  const { mark, states } = await store.changes(null);
  const [backend] = await archive.sql<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
  process.kill(backend?.pid ?? 0, "SIGKILL");
  await until(
    async () => !(await server.takesConnections()) || server.log.includes("all server processes terminated"),
    () => "PostgreSQL to crash",
  );
  await until(
    () => server.takesConnections(),
    () => "PostgreSQL to be there again",
  );
  await archive.touch("a");
  const changes = await changesOnceReadable(store, mark);
  expect(changes.states.get("a")).toMatchObject({ messageCount: 2 });
  expect(changes.states.get("a")).not.toEqual(states.get("a"));
  await store.close();
});

/** What is asked over a connection that the crash has ended fails, once. */
async function changesOnceReadable(store: Store, mark: Changes["mark"]): Promise<Changes> {
  try {
    return await store.changes(mark);
  } catch {
    return await store.changes(mark);
  }
}

async function seen(holds: () => Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 100; tries += 1) if (await holds()) return true;
  return false;
}
