/** When polls do not rely on notifications. */

import { expect, test } from "bun:test";
import { PostgresStore } from "../../../../src/stores/postgres/store.ts";
import type { SessionId } from "../../../../src/session/session.ts";
import { PostgresForeignArchive } from "../../../support/postgres/foreign-archive.ts";
import { plainAddress } from "../../../support/postgres/plain-address.ts";
import { sharedServer } from "../../../support/postgres/server.ts";
import { SmallQueue, WITH_SMALL_QUEUES } from "../../../support/postgres/small-queue.ts";
import { until } from "../../../support/program.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";

test("changes() does not rely on notifications of another server than the one that it reads", async () => {
  const server = await sharedServer();
  await using archive = await PostgresForeignArchive.create(server);
  await archive.tell();
  for (const id of ["a", "b"]) await archive.add(id);
  const admin = server.connect("postgres");
  await archive.sql.end();
  const copy = `${archive.database}_copy`;
  await admin.unsafe(`CREATE DATABASE ${copy} TEMPLATE ${archive.database}`);
  // The way leads to the copy once a failover has taken place; who is connected before stays where he is.
  let { database } = archive;
  const store = new PostgresStore(
    {
      ...plainAddress(archive.url),
      get database() {
        return database;
      },
    },
    systemClock,
  );
  const hints: (readonly SessionId[] | null)[] = [];
  await store.open();
  store.onHint((ids) => void hints.push(ids));
  await until(
    () => hints.includes(null),
    () => "a listener",
  );
  const { mark } = await store.changes(null);
  database = copy;
  await admin`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = ${archive.database} AND application_name = 'sessionwatch poll'`;
  await until(
    () =>
      store.states(["a"]).then(
        () => true,
        () => false,
      ),
    () => "the copy to be read",
  );
  const writer = server.connect(copy);
  const write = `UPDATE ${archive.table("sessions")} SET message_count = 7 WHERE id = 'b'`;
  await writer.unsafe(write);
  const { states } = await store.changes(mark);
  expect(states.get("b")?.messageCount).toBe(7);
  // Nor is it listened to any longer.
  await until(
    async () => {
      await writer.unsafe(write);
      return hints.some((ids) => ids?.includes("b") === true);
    },
    () => "the copy to be listened to",
  );
  await writer.end();
  await store.close();
  await admin.end();
});

test.each(WITH_SMALL_QUEUES)(
  "changes() does not wait for notices that have no place any more ($name)",
  async (installation) => {
    await using queue = await SmallQueue.of(installation);
    const { archive } = queue;
    await archive.add("a");
    const store = new PostgresStore(plainAddress(archive.url), systemClock);
    await store.open();
    const hints: (readonly SessionId[] | null)[] = [];
    store.onHint((ids) => void hints.push(ids));
    await until(
      () => hints.includes(null),
      () => "a listener",
    );
    let { mark } = await store.changes(null);
    await queue.clog();
    const fill = `SELECT pg_notify('anything', gen_random_uuid() || repeat('x', 7900))`;
    await until(
      async () => {
        await archive.sql.unsafe(fill);
        return (await queue.usage()) > 0.91;
      },
      () => "the queue to be full",
    );
    await archive.touch("a");
    const changes = await store.changes(mark);
    expect(changes.states.get("a")?.messageCount).toBe(2);
    ({ mark } = changes);
    // As soon as there is place, they arrive again.
    await queue.clear();
    const isHeard = async (): Promise<boolean> => {
      await archive.touch("a");
      const changes = await store.changes(mark);
      ({ mark } = changes);
      return hints.at(-1)?.includes("a") === true;
    };
    await until(isHeard, () => "the store to listen again");
    await store.close();
  },
);
