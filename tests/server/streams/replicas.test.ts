/** Several servers share one archive in PostgreSQL: clients resume at one with the cursor of another. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { DELETED } from "../../../src/session/session.ts";
import { sharedServer } from "../../support/postgres/server.ts";
import { PostgresForeignArchive } from "../../support/postgres/foreign-archive.ts";
import { until } from "../../support/program.ts";
import { Replica } from "../../support/postgres/replica.ts";
import type { WireStream } from "../../support/wire-stream.ts";

let archive: PostgresForeignArchive;
let replicas: [Replica, Replica];

beforeEach(async () => {
  archive = await PostgresForeignArchive.create(await sharedServer());
  await archive.tell();
  for (const id of ["a", "b", "c"]) await archive.add(id);
  replicas = [await Replica.start(archive.url), await Replica.start(archive.url)];
});
afterEach(async () => {
  for (const replica of replicas) await replica[Symbol.asyncDispose]();
  await archive[Symbol.asyncDispose]();
});

describe("a cursor of one session from another replica", () => {
  test("is followed by silence if it is current", async () => {
    const [first, second] = replicas;
    using told = await first.follow("/sessions/a/watch?data=json");
    await archive.touch("a");
    const { lastEventId } = await told.next();
    using stream = await second.follow("/sessions/a/watch?data=json", lastEventId);
    await archive.touch("a");
    expect(JSON.parse((await stream.next()).data)).toMatchObject({ message_count: 3 });
    expect(stream.events.messages.length).toBe(1);
  });

  test("is followed by exactly one update if it is older", async () => {
    const [first, second] = replicas;
    using told = await first.follow("/sessions/a/watch");
    const cursor = told.events.lastEventId;
    await archive.touch("a");
    await archive.touch("a");
    using stream = await second.follow("/sessions/a/watch?data=json", cursor);
    expect(JSON.parse((await stream.next()).data)).toMatchObject({ message_count: 3 });
    await archive.touch("a");
    expect(JSON.parse((await stream.next()).data)).toMatchObject({ message_count: 4 });
    expect(stream.events.messages.length).toBe(2);
  });

  test.each(["trash", "remove"] as const)(
    "is followed by the deletion if the session is gone (%s)",
    async (how) => {
      const [first, second] = replicas;
      using told = await first.follow("/sessions/a/watch");
      await archive[how]("a");
      using stream = await second.follow("/sessions/a/watch", told.events.lastEventId);
      expect(await stream.next()).toEqual({ type: "session_deleted", data: "a", lastEventId: DELETED });
      using again = await first.follow("/sessions/a/watch", DELETED);
      await archive.remove("a");
      await archive.add("a");
      expect((await again.next()).type).toBe("session_updated");
      expect(again.events.messages.length).toBe(1);
    },
  );

  test("means the same to replicas that started before and after a column was added", async () => {
    const [first] = replicas;
    using all = await first.follow("/watch?all=true");
    using before = await first.follow("/sessions/a/watch");
    await hears(all);
    await archive.sql.unsafe(`ALTER TABLE ${archive.table("sessions")} ADD COLUMN file_hash text`);
    await using later = await Replica.start(archive.url);
    using told = await later.follow("/sessions/a/watch", before.events.lastEventId);
    const { lastEventId } = await told.next();
    using stream = await first.follow("/sessions/a/watch", lastEventId);
    await archive.touch("a");
    expect(await stream.next()).toMatchObject({ lastEventId: await later.versionOf("a") });
    expect(stream.events.messages.length).toBe(1);
  });
});

describe.each(["/watch?session=a&session=b", "/watch?all=true"])(
  "a cursor of %s from another replica",
  (target) => {
    test("is followed by exactly one reset, and then by changes", async () => {
      const [first, second] = replicas;
      using told = await first.follow(target);
      await archive.touch("a");
      const { lastEventId } = await told.next();
      using stream = await second.follow(target, lastEventId);
      expect(await stream.next()).toMatchObject({ type: "reset" });
      await archive.touch("b");
      expect(JSON.parse((await stream.next()).data)).toMatchObject({ data: "b", message_count: 2 });
      expect(stream.events.messages.length).toBe(2);
      // The new cursor is valid.
      using again = await second.follow(target, stream.events.lastEventId);
      await archive.touch("a");
      expect(JSON.parse((await again.next()).data)).toMatchObject({ data: "a", message_count: 3 });
      expect(again.events.messages.length).toBe(1);
    });
  },
);

describe("a client that follows all sessions", () => {
  test("gets every change of a bulk write", async () => {
    const [replica] = replicas;
    using all = await replica.follow("/watch?all=true");
    await hears(all);
    const sessions = archive.table("sessions");
    await archive.sql.unsafe(
      `INSERT INTO ${sessions} (id, machine, project, agent)
       SELECT 'many-' || n, 'm', 'demo', 'claude' FROM generate_series(1, 1500) AS n`,
    );
    const before = all.events.messages.length;
    for (let count = 0; count < 1500; count += 1) await all.next();
    expect(all.events.messages.length).toBe(before + 1500);
    await archive.sql.unsafe(`TRUNCATE ${sessions} CASCADE`);
    for (let count = 0; count < 1503; count += 1) expect((await all.next()).type).toBe("session_deleted");
  });

  test("gets what changed while only single sessions were followed", async () => {
    const [replica] = replicas;
    using one = await replica.follow("/sessions/a/watch");
    const all = await replica.follow("/watch?all=true");
    await hears(all);
    const cursor = all.events.lastEventId;
    all[Symbol.dispose]();
    await until(
      () => replica.subscribers === 1,
      () => "the stream of all sessions to be closed",
    );
    const read = one.events.messages.length;
    await archive.touch("b");
    await archive.touch("a");
    while (one.events.messages.length === read) await one.read();
    using again = await replica.follow("/watch?all=true", cursor);
    const told = [await again.next(), await again.next()].map(
      ({ data }) => JSON.parse(data) as { data: string },
    );
    expect(told.map(({ data }) => data).toSorted()).toEqual(["a", "b"]);
  });
});

/** Waits until its server gets notifications: only one can have brought this change. */
async function hears(all: WireStream): Promise<void> {
  await archive.touch("c");
  await all.next();
}
