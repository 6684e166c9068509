import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import postgres from "postgres";
import { openStore } from "../../../../src/mod.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import type { Update } from "../../../../src/session/events.ts";
import type { Subscription } from "../../../../src/watch/subscription.ts";
import { Watcher } from "../../../../src/watch/watcher.ts";
import { NO_PGBOUNCER, PgBouncer } from "../../../support/postgres/pgbouncer.ts";
import { PostgresForeignArchive } from "../../../support/postgres/foreign-archive.ts";
import { INSTALLATIONS, sharedServer } from "../../../support/postgres/server.ts";
import { until, within } from "../../../support/program.ts";
import { observe } from "../../../support/stores.ts";
import type { Observed } from "../../../support/stores.ts";
import { testUnless } from "../../../support/unless.ts";

for (const installation of INSTALLATIONS) {
  describe(`an archive in ${installation.name} with triggers`, () => {
    let archive: PostgresForeignArchive;
    let observed: Observed;
    let watcher: Watcher;
    let open: Subscription<unknown>[];

    beforeEach(async () => {
      archive = await PostgresForeignArchive.create(await sharedServer(installation));
      for (const id of ["a", "b", "c"]) await archive.add(id);
      await archive.tell();
      observed = observe((await openStore(archive.url)).store);
      // Polls are too rare to find anything: every update comes from a notification.
      watcher = new Watcher(observed.store, undefined, { clock: systemClock, pollIntervalMs: 600_000 });
      open = [];
    });
    afterEach(async () => {
      for (const subscription of open) subscription.close();
      await observed.store.close();
      await archive[Symbol.asyncDispose]();
    });

    async function follow(sessions: readonly string[] | "all"): Promise<AsyncIterator<Update>> {
      const subscription = watcher.eventsOf({ sessions, filter: {} });
      open.push(subscription);
      await subscription.ready;
      await listening();
      return subscription[Symbol.asyncIterator]();
    }

    /** Once it is listened to, everything is looked at once more. */
    async function listening(): Promise<void> {
      const { reads, marks } = observed;
      await until(
        () => reads.length + marks.length > 1,
        () => "the store to listen",
      );
      // Polls take turns: that look is over then, and finds nothing of what comes.
      await observed.store.states([]);
    }

    function told(updates: AsyncIterator<Update>): Promise<Update> {
      const next = updates.next().then(({ value }) => value as Update);
      return within(next, () => "an update");
    }

    test("makes the watcher read the changed sessions and no others", async () => {
      const updates = await follow(["a", "b"]);
      observed.reads.length = 0;
      await archive.touch("c");
      await archive.touch("b");
      expect(await told(updates)).toMatchObject({ event: "session_updated", data: "b", machine: "laptop" });
      await archive.remove("a");
      expect(await told(updates)).toMatchObject({ event: "session_deleted", data: "a", machine: "laptop" });
      expect(observed.reads).toEqual([["b"], ["a"]]);
    });

    test("is not scanned for subscribers of all sessions", async () => {
      const updates = await follow("all");
      observed.marks.length = 0;
      await archive.add("d", { machine: "desktop" });
      expect(await told(updates)).toMatchObject({ data: "d", machine: "desktop" });
      await archive.trash("a");
      expect(await told(updates)).toMatchObject({ event: "session_deleted", data: "a" });
      await archive.remove("b");
      expect(await told(updates)).toMatchObject({ event: "session_deleted", data: "b" });
      expect(observed.marks).toEqual([]);
      // Nor by a poll.
      const { mark } = await observed.store.changes(null);
      expect(await observed.store.changes(mark)).toMatchObject({ isScan: false, mark });
    });

    test("reports a session that was added and deleted before it could be read: a list may have shown it", async () => {
      const updates = await follow("all");
      await archive.sql.unsafe(
        `INSERT INTO ${archive.table("sessions")} (id, machine, project, agent) VALUES ('brief', 'm', 'p', 'claude');
         DELETE FROM ${archive.table("sessions")} WHERE id = 'brief'`,
      );
      expect(await told(updates)).toMatchObject({ event: "session_deleted", data: "brief" });
      await archive.touch("a");
      expect(await told(updates)).toMatchObject({ event: "session_updated", data: "a" });
    });

    test("is scanned after too many notifications at once", async () => {
      const updates = await follow("all");
      await archive.sql.unsafe(
        `INSERT INTO ${archive.table("sessions")} (id, machine, project, agent, message_count)
         SELECT 'n' || n, 'm', 'p', 'claude', 1 FROM generate_series(1, 5000) AS n`,
      );
      const ids = new Set<string>();
      while (ids.size < 5000) ids.add((await told(updates)).data);
      expect(ids).toContain("n5000");
    });

    test("is polled once its triggers are removed, and listened to once they are back", async () => {
      await follow("all");
      let changes = await observed.store.changes(null);
      await archive.tellNothing();
      await archive.touch("a");
      changes = await observed.store.changes(changes.mark);
      expect([changes.isScan, changes.states.has("a")]).toEqual([true, true]);
      await archive.tell();
      const isHeard = async (): Promise<boolean> => {
        await archive.touch("b");
        changes = await observed.store.changes(changes.mark);
        return !changes.isScan;
      };
      await until(isHeard, () => "the store to listen again");
    });
  });
}

testUnless(NO_PGBOUNCER)("behind PgBouncer no notification arrives, and polls find all changes", async () => {
  const server = await sharedServer();
  await using archive = await PostgresForeignArchive.create(server);
  for (const id of ["a", "b"]) await archive.add(id);
  await archive.tell();
  await using bouncer = await PgBouncer.start(server);
  const { store } = await openStore(bouncer.url(archive.url));
  const watcher = new Watcher(store, undefined, { clock: systemClock, pollIntervalMs: 50 });
  const subscriptions = [["a"], "all"].map((sessions) =>
    watcher.eventsOf({ sessions: sessions as string[] | "all", filter: {} }),
  );
  const updates = subscriptions.map((subscription) => subscription[Symbol.asyncIterator]());
  for (const subscription of subscriptions) await subscription.ready;
  for (let round = 0; round < 20; round += 1) {
    await archive.touch("a");
    for (const iterator of updates) {
      const { value } = await within(iterator.next(), () => "an update");
      expect(value).toMatchObject({ event: "session_updated", data: "a", message_count: 2 + round });
    }
  }
  for (const subscription of subscriptions) subscription.close();
  await store.close();
});

testUnless(NO_PGBOUNCER)("behind PgBouncer no shared connection is left listening", async () => {
  const server = await sharedServer();
  await using archive = await PostgresForeignArchive.create(server);
  await archive.tell();
  await using bouncer = await PgBouncer.start(server);
  const others = postgres(bouncer.url(archive.url), { max: 1, prepare: false });
  /** On all connections that the pooler has. */
  const channels = async (): Promise<string[]> => {
    const found: string[] = [];
    for (let i = 0; i < 4; i += 1)
      for (const { name } of await others.unsafe<{ name: string }[]>(
        "SELECT pg_listening_channels() AS name",
      ))
        found.push(name);
    return found;
  };
  const { store } = await openStore(bouncer.url(archive.url));
  await store.states(["a"]);
  const unhint = store.onHint(() => undefined);
  await until(
    async () => (await channels()).length > 0,
    () => "the listener to try",
  );
  await until(
    async () => (await channels()).length === 0,
    () => "the listener to have given up",
  );
  unhint();
  await store.close();
  await others.end();
});
