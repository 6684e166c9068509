import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { systemClock } from "../../../src/runtime/clock.ts";
import { openStore } from "../../../src/mod.ts";
import { PostgresStore } from "../../../src/stores/postgres/store.ts";
import type { Store } from "../../../src/watch/ports.ts";
import type { SessionId, Version } from "../../../src/session/session.ts";
import type { Subscription } from "../../../src/watch/subscription.ts";
import { Watcher } from "../../../src/watch/watcher.ts";
import { plainAddress } from "../../support/postgres/plain-address.ts";
import { dump, restore } from "../../support/postgres/stage.ts";
import { PostgresForeignArchive } from "../../support/postgres/foreign-archive.ts";
import { sharedServer } from "../../support/postgres/server.ts";
import type { PostgresServer } from "../../support/postgres/server.ts";
import { until } from "../../support/program.ts";

const IDS = ["a", "b", "c", "d"];
const POLL_MS = 50;

/** Follows each session, and all of them, and records the updates. */
class Follower {
  /** Of those who follow single sessions, and of one who follows all. */
  readonly told = [new Map<SessionId, Version>(), new Map<SessionId, Version>()];
  readonly events: string[] = [];
  readonly #subscriptions: Subscription<unknown>[];

  constructor(store: Store) {
    const watcher = new Watcher(store, undefined, { clock: systemClock, pollIntervalMs: POLL_MS });
    this.#subscriptions = [IDS, "all" as const].map((sessions) => watcher.eventsOf({ sessions, filter: {} }));
  }

  async begin(): Promise<this> {
    await Promise.all(this.#subscriptions.map(({ ready }) => ready));
    for (const [index, subscription] of this.#subscriptions.entries()) {
      void (async () => {
        for await (const update of subscription) {
          if (update.event === "session_updated") this.told[index]?.set(update.data, update.version);
          else this.events.push(update.event === "session_deleted" ? `deleted ${update.data}` : update.event);
        }
      })();
    }
    return this;
  }

  /** Resolves when everybody knows of these sessions what the archive holds. */
  async knows(archive: PostgresForeignArchive, ids = IDS): Promise<void> {
    const { store } = await openStore(archive.url);
    const states = await store.states(ids);
    await store.close();
    await until(
      () => this.told.every((told) => ids.every((id) => told.get(id) === states.get(id)?.version)),
      () => `everybody to know ${ids.join(", ")}: ${JSON.stringify(this.told.map((told) => [...told]))}`,
    );
  }

  end(): void {
    for (const subscription of this.#subscriptions) subscription.close();
  }
}

for (const isTold of [true, false]) {
  describe(`an archive ${isTold ? "with" : "without"} triggers`, () => {
    let server: PostgresServer;
    let archive: PostgresForeignArchive;
    let store: Store;
    let follower: Follower;

    beforeEach(async () => {
      server = await sharedServer();
      archive = await PostgresForeignArchive.create(server);
      for (const id of IDS) await archive.add(id);
      if (isTold) await archive.tell();
      ({ store } = await openStore(archive.url));
      follower = await new Follower(store).begin();
    });
    afterEach(async () => {
      follower.end();
      await store.close();
      await archive[Symbol.asyncDispose]();
    });

    test("has every change reported, whatever the writers' clocks are", async () => {
      const times = [
        "2099-01-01",
        "1999-01-01",
        "2099-01-01",
        "1970-01-01T00:00:00.000001Z",
        "infinity",
        "1999-01-01",
      ];
      for (const time of times) {
        for (const id of IDS)
          await archive.sql.unsafe(
            `UPDATE ${archive.table("sessions")} SET message_count = message_count + 1, updated_at = $1::text::timestamptz WHERE id = $2`,
            [time, id],
          );
        await follower.knows(archive);
      }
      // In the same microsecond as the change before.
      await archive.sql.unsafe(`UPDATE ${archive.table("sessions")} SET message_count = message_count + 1`);
      await follower.knows(archive);
      expect(follower.events).toEqual([]);
    });

    test("has a change reported whose transaction began before others and was committed after them", async () => {
      const late = server.connect(archive.database);
      await late.unsafe(`BEGIN; UPDATE ${archive.table("sessions")} SET message_count = 100 WHERE id = 'a'`);
      for (let round = 0; round < 5; round += 1) {
        for (const id of ["b", "c", "d"]) await archive.touch(id);
        await follower.knows(archive, ["b", "c", "d"]);
      }
      await late.unsafe("COMMIT");
      await late.end();
      await follower.knows(archive, ["a"]);
      expect(follower.events).toEqual([]);
    });

    test("that is replaced by an older copy of itself is reported as that copy", async () => {
      for (const id of IDS) await archive.touch(id);
      await follower.knows(archive);
      const admin = server.connect("postgres");
      const { database } = archive;
      const replace = async (statements: readonly string[]): Promise<void> => {
        await archive.sql.end();
        for (const statement of [
          `ALTER DATABASE ${database} ALLOW_CONNECTIONS false`,
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`,
          ...statements,
        ])
          await admin.unsafe(statement);
        await admin.unsafe(`ALTER DATABASE ${database} ALLOW_CONNECTIONS true`);
      };
      // A copy has tables of the same numbers, with rows of the same transactions.
      await replace([`CREATE DATABASE ${database}_copy TEMPLATE ${database}`]);
      const before = await openStore(archive.url);
      const old = await before.store.states(IDS);
      await before.store.close();
      const writer = server.connect(database);
      await writer.unsafe(`UPDATE ${archive.table("sessions")} SET message_count = message_count + 1`);
      await writer.end();
      await follower.knows(archive);
      await replace([
        `ALTER DATABASE ${database} RENAME TO ${database}_new`,
        `ALTER DATABASE ${database}_copy RENAME TO ${database}`,
      ]);
      await admin.end();
      await follower.knows(archive);
      for (const told of follower.told) for (const id of IDS) expect(told.get(id)).toBe(old.get(id)?.version);
      expect(follower.events.filter((event) => event.startsWith("deleted"))).toEqual([]);
    });

    test("that is emptied by a restore, or whose schema is dropped, has no session reported as deleted", async () => {
      for (const id of IDS) await archive.touch(id);
      await follower.knows(archive);
      const rows = await dump(archive);
      // Foreign sessions, which would be found after the schema is dropped.
      await archive.sql.unsafe(
        `CREATE TABLE public.sessions (id text, message_count integer);
         INSERT INTO public.sessions VALUES ('not ours', 1)`,
      );
      await archive.sql.unsafe(`DROP SCHEMA ${archive.schema} CASCADE`);
      await until(
        () => follower.events.length === 2,
        () => "all subscribers to get `degraded`",
      );
      const again = await PostgresForeignArchive.create(server, { database: archive.database });
      await expect(store.states(IDS)).rejects.toThrow("its sessions table was recreated and is empty");
      await restore(again, rows);
      await again.touch("b");
      await follower.knows(again);
      await again[Symbol.asyncDispose]();
      expect(follower.events).toEqual(["degraded", "degraded", "recovered", "recovered"]);
    });

    // Listening and polling look up the host in the same way.
    if (isTold)
      test("whose host loses its address is found again when it has one", async () => {
        const found = plainAddress(archive.url);
        let host = "localhost";
        const named = new PostgresStore(
          {
            ...found,
            get servers() {
              return [{ host, port: server.port }];
            },
          },
          systemClock,
        );
        await named.open();
        const local = await new Follower(named).begin();
        for (const id of IDS) await archive.touch(id);
        await local.knows(archive);
        host = "nowhere.invalid";
        await archive.sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = ${archive.database} AND pid <> pg_backend_pid()`;
        await until(
          () => local.events.length === 2,
          () => "all subscribers to get `degraded`",
        );
        await expect(named.states(IDS)).rejects.toThrow(/^Cannot read archive "postgres:[^"]+": ./);
        for (const id of IDS) await archive.touch(id);
        host = "localhost";
        await local.knows(archive);
        expect(local.events).toEqual(["degraded", "degraded", "recovered", "recovered"]);
        local.end();
        await named.close();
      });
  });
}
