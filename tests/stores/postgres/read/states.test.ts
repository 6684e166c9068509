import { afterEach, beforeEach, expect, test } from "bun:test";
import { openStore } from "../../../../src/mod.ts";
import type { Store } from "../../../../src/watch/ports.ts";
import type { SessionVersion } from "../../../../src/session/session.ts";
import { PostgresForeignArchive } from "../../../support/postgres/foreign-archive.ts";
import { PostgresServer } from "../../../support/postgres/server.ts";

/** So many that a reader remembers what it has found. */
const IDS = Array.from({ length: 200 }, (_value, index) => `s${index}`);

let server: PostgresServer;
let archive: PostgresForeignArchive;
let store: Store;

beforeEach(async () => {
  server = await PostgresServer.start();
  archive = await PostgresForeignArchive.create(server);
  await archive.sql.unsafe(
    `INSERT INTO ${archive.table("sessions")} (id, machine, project, agent, message_count)
     SELECT 's' || n, 'm', 'p', 'claude', 1 FROM generate_series(0, 198) AS n`,
  );
  ({ store } = await openStore(archive.url));
});
afterEach(async () => {
  await store.close();
  await archive[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** What a reader finds that has never looked before. */
async function fresh(): Promise<Map<string, SessionVersion>> {
  const { store } = await openStore(archive.url);
  const states = await store.states(IDS);
  await store.close();
  return states;
}

test("states() of many sessions brings only changed rows, and is correct", async () => {
  const before = await store.states(IDS);
  expect(before.size).toBe(199);
  const changes: [what: string, change: () => Promise<unknown>, written: number][] = [
    ["nothing", () => Promise.resolve(), 0],
    ["a session has grown", () => archive.touch("s7"), 1],
    ["one has come", () => archive.add("s199"), 1],
    ["one has gone", () => archive.remove("s8"), 199],
    ["one was put into the trash", () => archive.trash("s9"), 198],
    [
      "many at once",
      () => archive.sql.unsafe(`UPDATE ${archive.table("sessions")} SET message_count = 5`),
      198,
    ],
    ["one that is not read", () => archive.add("other"), 0],
  ];
  let last = before;
  for (const [what, change, written] of changes) {
    await change();
    const states = await store.states(IDS);
    expect([what, states]).toEqual([what, await fresh()]);
    expect([what, [...states].filter(([id, state]) => last.get(id) !== state).length]).toEqual([
      what,
      written,
    ]);
    last = states;
  }
});

test("states() of many sessions reads all again after a restart of the server, and for other sessions", async () => {
  await store.states(IDS);
  await archive.touch("s1");
  await server.stop();
  await expect(store.states(IDS)).rejects.toMatchObject({ code: "archive_unavailable" });
  await server.resume();
  expect(await store.states(IDS)).toEqual(await fresh());
  const others = IDS.slice(50);
  expect((await store.states(others)).size).toBe(149);
  await archive.touch("s60");
  expect((await store.states(others)).get("s60")?.messageCount).toBe(2);
  expect((await store.states(IDS)).size).toBe(199);
});

test("states() of few sessions, read in quick succession, notices a new column", async () => {
  const few = IDS.slice(0, 3);
  for (let round = 0; round < 2; round += 1) await store.states(few);
  await archive.sql.unsafe(`ALTER TABLE ${archive.table("sessions")} ADD COLUMN file_hash text`);
  const expected = await fresh();
  expect(await store.states(few)).toEqual(new Map([...expected].filter(([id]) => few.includes(id))));
});
