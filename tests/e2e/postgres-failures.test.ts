/**
 * What may happen to a PostgreSQL server, or on the way to it, while fifty clients follow sessions that go on changing: they
 * are told of it, and at the end each of them knows what the archive holds.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "bun:test";
import { PostgresForeignArchive } from "../support/postgres/foreign-archive.ts";
import { PostgresServer } from "../support/postgres/server.ts";
import { dump, PASSWORD, restore, Stage } from "../support/postgres/stage.ts";
import type { StageOptions } from "../support/postgres/stage.ts";
import { BINARY, DENO } from "../support/program.ts";
import { scaled } from "../support/scale.ts";

const TOLD: StageOptions = { lane: BINARY, isTold: true };
const POLLED: StageOptions = { lane: BINARY, isTold: false };
/** How long (ms) a server stands still. */
const FROZEN_MS = scaled(20_000, 9000);
/** How long (ms) a table is locked. */
const LOCKED_MS = scaled(15_000, 9000);

/** For what happens to one database alone. */
const common = PostgresServer.start();
afterAll(async () => (await common)[Symbol.asyncDispose]());

describe.concurrent("a PostgreSQL archive", () => {
  for (const options of [TOLD, { lane: DENO, isTold: true }]) {
    test(`whose server is restarted, in order and as after a crash (${options.lane.name})`, async () => {
      await using server = await PostgresServer.start();
      await using stage = await Stage.set(server, options);
      for (const mode of ["fast", "immediate"] as const) {
        await stage.outage(
          () => server.stop(mode),
          nothing,
          () => server.resume(),
        );
        await stage.moreChanges();
        await server.stop(mode);
        await server.resume();
        await stage.moreChanges();
      }
      await stage.curtain();
    });
  }

  test(`whose server stands still for ${FROZEN_MS / 1000} s`, async () => {
    await using server = await PostgresServer.start();
    await using stage = await Stage.set(server, TOLD);
    let goOn = (): void => undefined;
    await stage.outage(
      async () => {
        goOn = await server.freeze();
      },
      () => sleep(FROZEN_MS),
      async () => goOn(),
    );
    await stage.curtain();
  });

  for (const options of [TOLD, POLLED]) {
    test(`whose connections are all terminated${options.isTold ? "" : ", and that tells of nothing"}`, async () => {
      await using stage = await Stage.set(await common, options);
      await using admin = await PostgresForeignArchive.create(await common);
      for (let round = 0; round < 20; round += 1) {
        await admin.sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${stage.archive.database}`;
        await stage.moreChanges(5);
      }
      await stage.curtain();
    });
  }

  for (const options of [TOLD, POLLED, { lane: DENO, isTold: true }]) {
    const what = `${options.lane.name}${options.isTold ? "" : ", an archive that tells of nothing"}`;
    test(`behind a network that hands on nothing (${what})`, async () => {
      await using stage = await Stage.set(await common, options);
      const { proxy } = stage;
      await stage.outage(
        async () => proxy.hold(),
        nothing,
        async () => proxy.release(),
      );
      await stage.curtain();
    });
  }

  test("whose password is changed, and changed back", async () => {
    const server = await common;
    const file = join(server.folder, "pg_hba.conf");
    writeFileSync(file, `host all watcher 127.0.0.1/32 scram-sha-256\n${readFileSync(file, "utf8")}`);
    await using stage = await Stage.set(server, { ...TOLD, user: "watcher" });
    const { sql } = stage.archive;
    await sql`SELECT pg_reload_conf()`;
    const change = (password: string) => sql.unsafe(`ALTER ROLE watcher PASSWORD '${password}'`);
    await stage.outage(
      async () => {
        await change("another");
        await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'watcher'`;
      },
      nothing,
      () => change(PASSWORD),
    );
    expect(stage.reason).toMatch(/password/);
    await stage.curtain();
  });

  test("that is dropped, and restored table by table", async () => {
    const server = await common;
    await using admin = await PostgresForeignArchive.create(server);
    await using stage = await Stage.set(server, TOLD);
    const { database } = stage.archive;
    let rows = "";
    await stage.outage(
      async () => {
        await stage.rest();
        rows = await dump(stage.archive);
        await admin.sql.unsafe(`DROP DATABASE ${database} WITH (FORCE)`);
      },
      nothing,
      async () => {
        await admin.sql.unsafe(`CREATE DATABASE ${database}`);
        await stage.archive[Symbol.asyncDispose]();
        stage.archive = await PostgresForeignArchive.create(server, { database });
        await stage.archive.tell();
        // Its tables are there, its sessions are not yet.
        for (let look = 0; look < 3; look += 1) await stage.isNotReady();
        await restore(stage.archive, rows);
        stage.write();
      },
    );
    await stage.curtain();
  });

  test(`whose table is locked for ${LOCKED_MS / 1000} s`, async () => {
    const server = await common;
    await using stage = await Stage.set(server, TOLD);
    const { database } = stage.archive;
    await using locker = await PostgresForeignArchive.create(server);
    const lock = server.connect(database);
    await stage.outage(
      async () => {
        await stage.rest();
        await lock.unsafe(`BEGIN; LOCK TABLE ${stage.archive.table("sessions")} IN ACCESS EXCLUSIVE MODE`);
      },
      async () => {
        const counts: { atMs: number; count: number }[] = [];
        for (const endMs = performance.now() + LOCKED_MS; performance.now() < endMs; await sleep(100)) {
          const [row] = await locker.sql<{ count: number }[]>`SELECT count(*)::int FROM pg_stat_activity
            WHERE datname = ${database} AND application_name LIKE 'sessionwatch%'`;
          counts.push({ atMs: performance.now(), count: row?.count ?? Infinity });
        }
        // Of three programs at first, and of one at the end.
        const most = (sinceMs: number): number =>
          Math.max(...counts.filter(({ atMs }) => atMs >= sinceMs).map(({ count }) => count));
        expect(most(0)).toBeLessThanOrEqual(12);
        expect(most(performance.now() - 5000)).toBeLessThanOrEqual(4);
      },
      async () => {
        await lock.end();
        stage.write();
      },
    );
    await stage.curtain();
  });

  test("that is to be found elsewhere after a failover, where the last changes are missing", async () => {
    await using elsewhere = await PostgresServer.start();
    await using stage = await Stage.set(await common, TOLD);
    const { proxy, archive } = stage;
    await using second = await PostgresForeignArchive.create(elsewhere, {
      database: await elsewhere.createDatabase(archive.database),
    });
    await second.tell();
    await restore(second, await dump(archive));
    await stage.moreChanges(10);
    await stage.outage(
      () => proxy.refuse(),
      async () => {
        await stage.rest();
        stage.archive = second;
      },
      async () => {
        proxy.retarget(elsewhere.port);
        await proxy.accept();
        stage.write();
      },
    );
    await archive[Symbol.asyncDispose]();
    await stage.curtain();
  });
});

async function nothing(): Promise<void> {}
