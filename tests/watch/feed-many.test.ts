import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { renameSync } from "node:fs";
import { UNSEEN_MAX } from "../../src/watch/feed.ts";
import type { Position } from "../../src/watch/feed.ts";
import type { Filter } from "../../src/session/filter.ts";
import type { Subscription } from "../../src/watch/subscription.ts";
import { POLL_INTERVAL_MS, Watcher } from "../../src/watch/watcher.ts";
import { ForeignArchive } from "../support/archives.ts";
import { FakeClock, settled } from "../support/clock.ts";
import { takeAll } from "../support/deliveries.ts";
import { observe, openForeign } from "../support/stores.ts";
import type { Observed } from "../support/stores.ts";
import { Workspace } from "../support/workspace.ts";

let workspace: Workspace;
let archive: ForeignArchive;
let observed: Observed;
let clock: FakeClock;
let watcher: Watcher;
let open: Subscription<unknown>[];

beforeEach(() => {
  workspace = new Workspace();
  archive = new ForeignArchive(workspace.path("agentsview", "sessions.db"))
    .add("a")
    .add("b")
    .add("c", "other");
  observed = observe(openForeign(archive.path), { hints: false });
  clock = new FakeClock();
  watcher = new Watcher(observed.store, undefined, { clock, epoch: "now" });
  open = [];
});

afterEach(async () => {
  for (const subscription of open) subscription.close();
  expect(clock.pending).toBe(0);
  await observed.store.close();
  archive[Symbol.dispose]();
  workspace[Symbol.dispose]();
});

function all(filter: Filter = {}, sequence?: number, epoch = "now"): Subscription<Position> {
  return opened({ sessions: "all", filter }, sequence, epoch);
}

function only(sessions: string[], sequence?: number): Subscription<Position> {
  return opened({ sessions, filter: {} }, sequence);
}

function opened(
  selection: { sessions: readonly string[] | "all"; filter: Filter },
  sequence: number | undefined,
  epoch = "now",
): Subscription<Position> {
  const subscription = watcher.eventsOf(
    selection,
    sequence === undefined ? {} : { since: { epoch, sequence } },
  );
  open.push(subscription);
  return subscription;
}

async function positionOf(subscription: Subscription<Position>): Promise<number> {
  return (await subscription.ready).cursor.sequence;
}

function told(subscription: Subscription<unknown>): string[] {
  return takeAll(subscription).map(({ event, data }) => `${event.replace("session_", "")} ${data}`);
}

async function poll(): Promise<void> {
  await clock.advance(POLL_INTERVAL_MS);
}

describe("Watcher.eventsOf() all sessions", () => {
  test("tells changes, deletions, and sessions that start later, and nothing else", async () => {
    const subscription = all();
    await subscription.ready;
    await poll();
    expect(told(subscription)).toEqual([]);
    archive.touch("b").add("d");
    archive.db.exec("DELETE FROM sessions WHERE id = 'a'");
    await poll();
    expect(told(subscription).toSorted()).toEqual(["deleted a", "updated b", "updated d"]);
    await poll();
    expect(told(subscription)).toEqual([]);
  });

  test("tells only what its filter lets through, deletions included", async () => {
    const subscription = all({ project: "other", agent: "claude" });
    await subscription.ready;
    archive.touch("a").touch("c").add("d", "other").add("e");
    await poll();
    expect(told(subscription).toSorted()).toEqual(["updated c", "updated d"]);
    archive.db.exec("DELETE FROM sessions");
    await poll();
    expect(told(subscription).toSorted()).toEqual(["deleted c", "deleted d"]);
  });

  test("tells a session that somebody else has followed from its first moment on", async () => {
    const subscription = all();
    await subscription.ready;
    archive.add("d");
    const one = watcher.events("d");
    open.push(one);
    await one.ready;
    await poll();
    expect([told(subscription), told(one)]).toEqual([["updated d"], []]);
  });

  test("resumes with one update for each session that has changed since, in the order of their changes", async () => {
    const first = all();
    const position = await positionOf(first);
    first.close();
    archive.touch("a").touch("c");
    archive.db.exec("DELETE FROM sessions WHERE id = 'b'");
    archive.touch("a");
    const second = all({}, position);
    await second.ready;
    expect(told(second).toSorted()).toEqual(["deleted b", "updated a", "updated c"]);

    const filtered = all({ project: "other" }, position);
    const upToDate = all({}, await positionOf(second));
    await Promise.all([filtered.ready, upToDate.ready]);
    expect([told(filtered), told(upToDate)]).toEqual([["updated c"], []]);
  });

  test("resumes while others follow, without asking the archive", async () => {
    const first = all();
    await first.ready;
    for (const id of ["c", "a", "b", "a"]) {
      archive.touch(id);
      await poll();
    }
    const sequences: (number | null)[] = [];
    for (let taken = first.take(); taken !== undefined; taken = first.take()) sequences.push(taken.sequence);
    expect(sequences.length).toBe(3);
    observed.marks.length = 0;
    const resumed = all({}, sequences[0] ?? 0);
    await resumed.ready;
    expect([told(resumed), observed.marks]).toEqual([["updated b", "updated a"], []]);
  });

  test("says that a cursor of another life means nothing, and goes on from here", async () => {
    const subscription = all({}, 999, "before");
    const position = await subscription.ready;
    expect(position).toMatchObject({ isReset: true, cursor: { epoch: "now" } });
    expect(told(subscription)).toEqual([]);
    archive.touch("a");
    await poll();
    expect(told(subscription)).toEqual(["updated a"]);
  });

  test("says so of a cursor that this life has not come to yet, too", async () => {
    const position = await positionOf(all());
    expect(await all({}, position + 1).ready).toMatchObject({
      isReset: true,
      cursor: { sequence: position },
    });
  });

  test("tells a session that has moved to another project to those who follow either", async () => {
    const [from, to, neither] = [all({ project: "other" }), all({ project: "moved" }), all({ project: "x" })];
    await Promise.all([from.ready, to.ready, neither.ready]);
    archive.db.exec("UPDATE sessions SET project = 'moved' WHERE id = 'c'");
    await poll();
    expect([from, to, neither].map(told)).toEqual([["updated c"], ["updated c"], []]);
  });

  test("fault 10: an outage is told once, and what changed meanwhile when it is over", async () => {
    const subscription = all();
    await subscription.ready;
    renameSync(archive.path, `${archive.path}.away`);
    await clock.advance(3 * POLL_INTERVAL_MS);
    expect(takeAll(subscription).map(({ event }) => event)).toEqual(["degraded"]);
    const late = all();
    await late.ready;
    expect(takeAll(late).map(({ event }) => event)).toEqual(["degraded"]);
    archive.touch("a");
    renameSync(`${archive.path}.away`, archive.path);
    await clock.advance(2 * POLL_INTERVAL_MS);
    expect(takeAll(subscription).map(({ event }) => event)).toEqual(["recovered", "session_updated"]);
  });

  test("fails while the archive cannot be read and nobody has read it before", async () => {
    renameSync(archive.path, `${archive.path}.away`);
    await expect(all().ready).rejects.toMatchObject({ code: "archive_unavailable" });
    renameSync(`${archive.path}.away`, archive.path);
    await all().ready;
  });

  test("rests after it had to read everything, for longer than that took; single sessions wait for nothing", async () => {
    const { changes } = observed.store;
    const slow: typeof changes = async (mark) => {
      const answer = await changes(mark);
      clock.pass(100);
      return answer;
    };
    const everything = all();
    const one = only(["a"]);
    await Promise.all([everything.ready, one.ready]);
    await poll();
    observed.store.changes = slow;
    archive.touch("a");
    await poll();
    expect([told(everything), told(one)]).toEqual([["updated a"], ["updated a"]]);
    archive.touch("a").touch("b");
    watcher.wake();
    await settled();
    expect([told(everything), told(one)]).toEqual([["updated a"], ["updated a"]]);
    await clock.advance(899);
    expect([told(everything), told(one)]).toEqual([[], []]);
    await clock.advance(1);
    expect([told(everything), told(one)]).toEqual([["updated b"], []]);
  });

  test("asks once where a look that was put off fails, and then waits as after every failure", async () => {
    const { changes } = observed.store;
    observed.store.changes = async (mark) => {
      const answer = await changes(mark);
      clock.pass(100);
      return answer;
    };
    const everything = all();
    await everything.ready;
    archive.touch("a");
    watcher.wake();
    await settled();
    let asked = 0;
    observed.store.changes = async () => {
      asked += 1;
      throw new Error("it is gone");
    };
    await clock.advance(900);
    expect(asked).toBe(1);
  });
});

describe("Watcher.eventsOf() some sessions", () => {
  test("reads them with one query, and tells of no other", async () => {
    const subscription = only(["a", "c", "a"]);
    await subscription.ready;
    expect(observed.reads).toEqual([["a", "c"]]);
    archive.touch("a").touch("b").add("d");
    await poll();
    expect(told(subscription)).toEqual(["updated a"]);
  });

  test("throws session_not_found for one that is unknown, unless the reader comes back", async () => {
    await expect(only(["a", "nobody"]).ready).rejects.toMatchObject({
      code: "session_not_found",
      message: "session not found: nobody",
    });
    const subscription = only(["a", "nobody"], 0);
    await subscription.ready;
    archive.add("nobody");
    await poll();
    expect(told(subscription)).toEqual(["updated a", "updated nobody"]);
  });

  test("does not go on with very many that nobody has ever seen: anybody can make up ids, and say to come back", async () => {
    const made = Array.from({ length: UNSEEN_MAX + 1 }, (_, index) => `made-up-${index}`);
    const subscription = only(["a", ...made], 0);
    await subscription.ready;
    observed.reads.length = 0;
    archive.touch("a");
    await poll();
    expect([told(subscription).at(-1), observed.reads]).toEqual(["updated a", [["a"]]]);
  });

  test("resumes after everybody was gone: what changed is told, deletions included, and nothing else", async () => {
    const first = only(["a", "b", "c"]);
    const position = await positionOf(first);
    first.close();
    archive.touch("c");
    archive.db.exec("DELETE FROM sessions WHERE id = 'a'");
    const second = only(["a", "b", "c"], position);
    await second.ready;
    expect(told(second).toSorted()).toEqual(["deleted a", "updated c"]);
  });

  test("many that come at once cost one query", async () => {
    const crowd = Array.from({ length: 100 }, (_, index) => only(["a", index % 2 === 0 ? "b" : "c"]));
    await Promise.all(crowd.map(({ ready }) => ready));
    expect(observed.reads.length).toBeLessThanOrEqual(2);
  });
});
