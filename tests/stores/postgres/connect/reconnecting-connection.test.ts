import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { heapStats } from "bun:jsc";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Sql } from "postgres";
import { ReconnectingConnection } from "../../../../src/stores/postgres/connect/reconnecting-connection.ts";
import { plainAddress } from "../../../support/postgres/plain-address.ts";
import { sharedServer } from "../../../support/postgres/server.ts";
import type { PostgresServer } from "../../../support/postgres/server.ts";
import { until } from "../../../support/program.ts";
import { Proxy } from "../../../support/proxy.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";

/** Long enough for a statement on this machine, and short enough to be waited for. */
const SHORT_MS = 100;

describe("ReconnectingConnection", () => {
  let server: PostgresServer;
  let database: string;
  let admin: Sql;
  let proxy: Proxy;
  let link: ReconnectingConnection;
  const open: ReconnectingConnection[] = [];

  beforeEach(async () => {
    server = await sharedServer();
    database = await server.createDatabase();
    admin = server.connect(database);
    proxy = await Proxy.before(server.url(database));
    link = connect();
  });
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close();
    await proxy[Symbol.asyncDispose]();
    await admin.end();
  });

  function connect(purpose = "test", idleMs?: number): ReconnectingConnection {
    const target = plainAddress(`postgres://postgres@127.0.0.1:${proxy.port}/${database}`);
    const made = new ReconnectingConnection(target, systemClock, {
      purpose,
      ...(idleMs === undefined ? {} : { idleMs }),
    });
    open.push(made);
    return made;
  }

  /** Connections of links to the database, and what they do. */
  async function backends(): Promise<string[]> {
    const rows = await admin<{ state: string }[]>`SELECT state FROM pg_stat_activity
      WHERE datname = ${database} AND application_name LIKE 'sessionwatch%'`;
    return rows.map(({ state }) => state);
  }

  async function areLeft(count: number): Promise<void> {
    await until(
      async () => (await backends()).length === count,
      () => `${count} backends to be left`,
    );
  }

  test("query() keeps nothing of failed statements: a poll may fail for days", async () => {
    const fail = async (times: number): Promise<number> => {
      for (let n = 0; n < times; n += 1) await link.query(`SELECT ${n} FROM nothing`).catch(() => undefined);
      Bun.gc(true);
      return heapStats().objectTypeCounts["Array"] ?? 0;
    };
    const before = await fail(100);
    expect(await fail(1000)).toBeLessThan(before + 300);
  });

  test("transaction() rolls back what fails, and the connection goes on", async () => {
    const work = link.transaction(async (run) => {
      await run("CREATE TABLE kept (id int)");
      await run("SELECT 1 / 0");
    });
    await expect(work).rejects.toMatchObject({ code: "22012" });
    expect(await link.query("SELECT pg_catalog.to_regclass('kept')::text AS name")).toEqual([{ name: null }]);
    await link.transaction(async (run) => await run("CREATE TABLE kept (id int)"));
    expect(await link.query("SELECT FROM kept")).toEqual([]);
    await areLeft(1);
  });

  test("query() fails with the server's error, without the content of rows", async () => {
    await link.query("CREATE TABLE kept (text text CHECK (text = 'public'))");
    const error = await link.query("INSERT INTO kept VALUES ('private')").catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "23514" });
    expect(JSON.stringify(error)).not.toContain("private");
    const inside = "SELECT '[\"private'::json";
    const parsing = await link.query(inside).catch((reason: unknown) => reason);
    expect(parsing).toMatchObject({ code: "22P02" });
    expect(JSON.stringify(parsing)).not.toContain("private");
  });

  test("cancels a statement after its deadline", async () => {
    await admin.unsafe("CREATE TABLE locked ()");
    const locker = server.connect(database);
    await locker.unsafe("BEGIN; LOCK TABLE locked IN ACCESS EXCLUSIVE MODE");
    for (let round = 0; round < 5; round += 1)
      await expect(link.query("SELECT FROM locked", [], SHORT_MS)).rejects.toThrow("no answer within 0.1 s");
    await areLeft(0);
    await locker.end();
    expect(await link.query("SELECT FROM locked")).toEqual([]);
  });

  test("cancels the running statement when it is closed", async () => {
    const sleeping = link.query("SELECT pg_sleep(60)", [], 60_000);
    await until(
      async () => (await backends()).includes("active"),
      () => "the statement to run",
    );
    const closed = link.close();
    await expect(sleeping).rejects.toThrow("the archive was closed");
    await closed;
    await areLeft(0);
  });

  test("does not count the wait for earlier statements towards the deadline", async () => {
    const statements = Array.from({ length: 10 }, () => link.query("SELECT pg_sleep(0.2)", [], 1500));
    expect(await Promise.all(statements)).toHaveLength(10);
    expect(await backends()).toHaveLength(1);
  });

  test("leaves nothing behind after repeated silence of the network", async () => {
    for (let cycle = 0; cycle < 30; cycle += 1) {
      if (cycle % 2 === 0) await link.query("SELECT 1");
      proxy.hold();
      await expect(link.query("SELECT 1", [], SHORT_MS / 4)).rejects.toThrow("no answer within");
      proxy.release();
    }
    expect(await link.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await areLeft(1);
    await until(
      () => proxy.open === 2,
      () => `all other connections to be closed; ${proxy.open} are open`,
    );
  });

  test("reconnects after lost connections and refused ones", async () => {
    for (let cycle = 0; cycle < 10; cycle += 1) {
      const running = link.query("SELECT pg_sleep(60)", [], 60_000);
      await until(
        async () => (await backends()).includes("active"),
        () => "the statement to run",
      );
      // What runs is cancelled then, where the server can be reached.
      if (cycle % 2 === 0) proxy.cut();
      else await proxy.refuse();
      await expect(running).rejects.toThrow();
      if (cycle % 2 === 0) {
        await areLeft(0);
        continue;
      }
      await expect(link.query("SELECT 1")).rejects.toThrow("connection refused");
      await proxy.accept();
      await admin`SELECT pg_cancel_backend(pid) FROM pg_stat_activity
        WHERE datname = ${database} AND application_name LIKE 'sessionwatch%'`;
      await areLeft(0);
    }
    expect(await link.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await areLeft(1);
    expect(proxy.open).toBe(2);
  });

  test("tries once where the server closes the connection at once", async () => {
    let calls = 0;
    const rude = createServer((socket: Socket) => {
      calls += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => rude.listen(0, "127.0.0.1", resolve));
    const { port } = rude.address() as AddressInfo;
    const hungUp = new ReconnectingConnection(
      plainAddress(`postgres://postgres@127.0.0.1:${port}/any`),
      systemClock,
      {
        purpose: "test",
      },
    );
    await expect(hungUp.query("SELECT 1")).rejects.toThrow();
    await hungUp.close();
    rude.close();
    expect(calls).toBe(1);
  });

  test("closes an idle connection, and opens another one", async () => {
    const idle = connect("idle", SHORT_MS);
    for (let round = 0; round < 3; round += 1) {
      expect(await idle.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
      await areLeft(0);
    }
  });

  test("opens no connection once it is closed, also while it is connecting", async () => {
    const late = link.query("SELECT 1");
    const closed = link.close();
    await expect(late).rejects.toThrow("the archive was closed");
    await closed;
    await areLeft(0);
    await until(
      () => proxy.open === 0,
      () => "no connection to be open",
    );
    await expect(link.query("SELECT 1")).rejects.toThrow("the archive was closed");
  });
});
