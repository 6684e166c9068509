/** What an archive says of its changes to a reader that listens to it. */

import { afterEach, beforeEach, expect, test } from "bun:test";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { openStore } from "../../../../src/mod.ts";
import type { Mark, Store } from "../../../../src/watch/ports.ts";
import type { SessionId } from "../../../../src/session/session.ts";
import { Watcher } from "../../../../src/watch/watcher.ts";
import { sharedServer } from "../../../support/postgres/server.ts";
import { PostgresForeignArchive } from "../../../support/postgres/foreign-archive.ts";
import { until, within } from "../../../support/program.ts";

let archive: PostgresForeignArchive;
let store: Store;
let hints: (readonly SessionId[] | null)[];
/** Of a look at all sessions since which everything was heard. */
let mark: Mark;

beforeEach(async () => {
  archive = await PostgresForeignArchive.create(await sharedServer());
  await archive.tell();
  for (const id of ["a", "b"]) await archive.add(id);
  ({ store } = await openStore(archive.url));
  hints = [];
  store.onHint((ids) => void hints.push(ids));
  await hinted(() => hints.includes(null));
  ({ mark } = await store.changes(null));
});
afterEach(async () => {
  await store.close();
  await archive[Symbol.asyncDispose]();
});

test("changes() includes sessions that hints have named: the caller may have missed the hint", async () => {
  await archive.touch("b");
  await hinted(() => hints.some((ids) => ids?.includes("b") === true));
  const changes = await store.changes(mark);
  expect(changes.states.get("b")?.messageCount).toBe(2);
  await archive.trash("a");
  await hinted(() => hints.some((ids) => ids?.includes("a") === true));
  expect((await store.changes(changes.mark)).states.get("a")).toBeNull();
});

test("changes() reads all sessions again after a notification that names none", async () => {
  hints.length = 0;
  await archive.sql.unsafe(
    `INSERT INTO ${archive.table("sessions")} (id, machine, project, agent)
     SELECT 'many-' || n, 'm', 'demo', 'claude' FROM generate_series(1, 1500) AS n`,
  );
  await hinted(() => hints.includes(null));
  const changes = await store.changes(mark);
  expect(changes.states.has("many-1500")).toBe(true);
  hints.length = 0;
  await archive.sql.unsafe(`TRUNCATE ${archive.table("sessions")} CASCADE`);
  await hinted(() => hints.includes(null));
  expect((await store.changes(changes.mark)).total).toBe(0);
});

test.each([
  ["", []],
  [", also right after some sessions were read", ["a"]],
])("changes() reads all sessions again when a column of versions is added%s", async (_when, read) => {
  await store.states(read);
  await archive.sql.unsafe(`ALTER TABLE ${archive.table("sessions")} ADD COLUMN file_hash text`);
  const { states } = await store.changes(mark);
  const { store: later } = await openStore(archive.url);
  try {
    expect(states).toEqual((await later.changes(null)).states);
  } finally {
    await later.close();
  }
});

test("polls find changes without a notification for subscribers of single sessions, also when others follow all", async () => {
  const watcher = new Watcher(store, undefined, { clock: systemClock, pollIntervalMs: 50 });
  const one = watcher.eventsOf({ sessions: ["a"], filter: {} });
  const all = watcher.eventsOf({ sessions: "all", filter: {} });
  await Promise.all([one.ready, all.ready]);
  const updates = one[Symbol.asyncIterator]();
  // As what a subscription of logical replication applies.
  await archive.sql.unsafe("SET session_replication_role = replica");
  // Everything is looked at in the end: only the first changes show who has done it.
  for (let round = 0; round < 20; round += 1) {
    await archive.touch("a");
    const { value } = await within(updates.next(), () => "an update");
    expect(value).toMatchObject({ data: "a", message_count: 2 + round });
  }
  one.close();
  all.close();
});

async function hinted(holds: () => boolean): Promise<void> {
  await until(holds, () => `a hint besides ${JSON.stringify(hints)}`);
}
