import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { renameSync } from "node:fs";
import type { Engine } from "../../src/watch/ports.ts";
import type { SessionEvent } from "../../src/session/events.ts";
import { TRANSCRIPTS_PER_POLL } from "../../src/watch/fallback.ts";
import { POLL_INTERVAL_MS, SYNC_FALLBACK_DELAY_MS, Watcher } from "../../src/watch/watcher.ts";
import type { Subscription } from "../../src/watch/subscription.ts";
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

beforeEach(() => {
  workspace = new Workspace();
  archive = new ForeignArchive(workspace.path("agentsview", "sessions.db")).add("a").add("b");
  observed = observe(openForeign(archive.path), { hints: false });
  clock = new FakeClock();
  watcher = new Watcher(observed.store, undefined, { clock });
});

afterEach(async () => {
  await observed.store.close();
  archive[Symbol.dispose]();
  workspace[Symbol.dispose]();
});

function eventsOf(subscription: Subscription<unknown>): string[] {
  return takeAll(subscription).map(({ event }) => event);
}

describe("Watcher.events()", () => {
  test("yields an update when the version changes, and nothing else", async () => {
    using subscription = closing(watcher.events("a"));
    const before = await subscription.ready;
    await clock.advance(POLL_INTERVAL_MS);
    expect(takeAll(subscription)).toEqual([]);
    archive.touch("a");
    await clock.advance(POLL_INTERVAL_MS);
    const [update] = takeAll(subscription) as SessionEvent[];
    expect(update).toMatchObject({ event: "session_updated", data: "a", message_count: 2 });
    expect(update).not.toMatchObject({ version: before?.version });
  });

  test("fault 3: a change right after events() has returned is an update", async () => {
    using subscription = closing(watcher.events("a"));
    archive.touch("a");
    await subscription.ready;
    await clock.advance(POLL_INTERVAL_MS);
    expect(eventsOf(subscription)).toEqual(["session_updated"]);
  });

  test("throws session_not_found before any update", async () => {
    const subscription = watcher.events("nobody");
    await expect(subscription.ready).rejects.toMatchObject({ code: "session_not_found" });
    await expect(Array.fromAsync(watcher.events("nobody"))).rejects.toMatchObject({
      code: "session_not_found",
    });
    await settled();
    expect(clock.pending).toBe(0);
  });

  test("begins with an update when the caller knows another version", async () => {
    using current = closing(watcher.events("a"));
    const version = (await current.ready)?.version ?? "";
    using behind = closing(watcher.events("a", { since: "another" }));
    using upToDate = closing(watcher.events("a", { since: version }));
    await Promise.all([behind.ready, upToDate.ready]);
    expect(eventsOf(behind)).toEqual(["session_updated"]);
    expect(eventsOf(upToDate)).toEqual([]);
  });

  test("is silent to a caller who knows a change that the feed has not seen yet", async () => {
    using first = closing(watcher.events("a"));
    await first.ready;
    archive.touch("a");
    const version = (await observed.store.get("a"))?.version ?? "";
    using second = closing(watcher.events("a", { since: version }));
    await second.ready;
    await clock.advance(POLL_INTERVAL_MS);
    expect(eventsOf(second)).toEqual([]);
    expect(eventsOf(first)).toEqual(["session_updated"]);
  });

  test("ends when its signal aborts, without an error", async () => {
    const controller = new AbortController();
    const collected = Array.fromAsync(watcher.events("a", { signal: controller.signal }));
    await settled();
    controller.abort();
    expect(await collected).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test("ends at once when its loop is left while nothing is pending", async () => {
    const iterator = watcher.events("a")[Symbol.asyncIterator]();
    const next = iterator.next();
    await settled();
    await iterator.return?.();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(clock.pending).toBe(0);
  });

  test("fault 9: a session that is deleted or trashed while watched is told, and stays followed", async () => {
    using a = closing(watcher.events("a"));
    using b = closing(watcher.events("b"));
    await Promise.all([a.ready, b.ready]);
    archive.db.exec(
      "DELETE FROM sessions WHERE id = 'a'; UPDATE sessions SET deleted_at = '2026-01-02' WHERE id = 'b'",
    );
    await clock.advance(POLL_INTERVAL_MS);
    expect([eventsOf(a), eventsOf(b)]).toEqual([["session_deleted"], ["session_deleted"]]);
    archive.db.exec("INSERT INTO sessions (id, project, message_count) VALUES ('a', 'demo', 1)");
    archive.db.exec("UPDATE sessions SET deleted_at = NULL WHERE id = 'b'");
    await clock.advance(POLL_INTERVAL_MS);
    expect([eventsOf(a), eventsOf(b)]).toEqual([["session_updated"], ["session_updated"]]);
  });

  test("fault 12: changes that keep message count and mtime are updates", async () => {
    using subscription = closing(watcher.events("a"));
    await subscription.ready;
    for (const column of ["file_hash", "local_modified_at", "transcript_revision", "termination_status"]) {
      archive.db.exec(`UPDATE sessions SET ${column} = 'changed' WHERE id = 'a'`);
      await clock.advance(POLL_INTERVAL_MS);
      expect([column, ...eventsOf(subscription)]).toEqual([column, "session_updated"]);
    }
  });

  test("fault 13: a subscriber that takes nothing has the newest state waiting, once", async () => {
    using subscription = closing(watcher.events("a"));
    await subscription.ready;
    for (let round = 0; round < 50; round += 1) {
      archive.touch("a");
      await clock.advance(POLL_INTERVAL_MS);
    }
    expect(takeAll(subscription)).toMatchObject([{ message_count: 51 }]);
  });
});

describe("Subscription", () => {
  test("answers several next() in their order, and calls back even if it was closed before", async () => {
    const subscription = watcher.events("a");
    await subscription.ready;
    const iterator = subscription[Symbol.asyncIterator]();
    const both = Promise.all([iterator.next(), iterator.next()]);
    archive.touch("a");
    await clock.advance(POLL_INTERVAL_MS);
    archive.touch("a");
    await clock.advance(POLL_INTERVAL_MS);
    expect(await both).toMatchObject([{ value: { message_count: 2 } }, { value: { message_count: 3 } }]);
    subscription.close();
    let called = false;
    subscription.onPending(() => {
      called = true;
    });
    expect(called).toBe(true);
  });
});

describe("Feed", () => {
  test("fault 3: a change that is committed while the first read of an archive that answers later runs is told", async () => {
    // A store that answers as a database over a network does: what it read is old when it arrives.
    const slow = Promise.withResolvers<void>();
    const { states } = observed.store;
    using other = closing(watcher.events("b"));
    await other.ready;
    observed.store.states = async (ids) => {
      const answer = await states(ids);
      if (ids.includes("a")) await slow.promise;
      return answer;
    };
    using subscription = closing(watcher.events("a"));
    archive.touch("a");
    await clock.advance(POLL_INTERVAL_MS);
    slow.resolve();
    await subscription.ready;
    await clock.advance(POLL_INTERVAL_MS);
    expect(eventsOf(subscription)).toEqual(["session_updated"]);
  });

  test("fault 4: the cost of a tick does not depend on the number of subscribers", async () => {
    const subscriptions = Array.from({ length: 1000 }, (_, index) =>
      watcher.events(index % 2 === 0 ? "a" : "b"),
    );
    await Promise.all(subscriptions.map(({ ready }) => ready));
    await clock.advance(POLL_INTERVAL_MS);
    observed.reads.length = 0;
    observed.revisions = 0;

    await clock.advance(POLL_INTERVAL_MS);
    expect([observed.revisions, observed.reads]).toEqual([1, []]);
    archive.touch("a");
    await clock.advance(POLL_INTERVAL_MS);
    expect([observed.revisions, observed.reads]).toEqual([2, [["a", "b"]]]);
    expect(clock.pending).toBe(1);

    for (const [index, subscription] of subscriptions.entries()) {
      expect(eventsOf(subscription)).toEqual(index % 2 === 0 ? ["session_updated"] : []);
      subscription.close();
    }
  });

  test("asks nothing and waits for nothing while nobody follows anything", async () => {
    const subscription = watcher.events("a");
    await subscription.ready;
    await settled();
    expect(observed.listeners).toBe(1);
    subscription.close();
    expect(observed.listeners).toBe(0);
    const asked = observed.revisions;
    watcher.wake();
    await clock.advance(60_000);
    expect([observed.revisions, clock.pending]).toEqual([asked, 0]);
  });

  test("is not silenced by a wake-up that came while nobody followed anything", async () => {
    watcher.wake();
    await settled();
    using subscription = closing(watcher.events("a"));
    await subscription.ready;
    archive.touch("a");
    await clock.advance(POLL_INTERVAL_MS);
    expect(eventsOf(subscription)).toEqual(["session_updated"]);
  });

  test("looks again when a hint comes while it looks", async () => {
    using subscription = closing(watcher.events("a"));
    await subscription.ready;
    await settled();
    observed.revisions = 0;
    watcher.wake();
    await Promise.resolve();
    archive.touch("a");
    watcher.wake();
    await settled();
    expect(eventsOf(subscription)).toEqual(["session_updated"]);
    expect(observed.revisions).toBeLessThanOrEqual(2);
  });

  test("who comes while the archive cannot be read is not told of less than it knows, and of what is new in the end", async () => {
    using subscription = closing(watcher.events("a"));
    const before = await subscription.ready;
    archive.touch("a");
    const since = (await observed.store.get("a"))?.version ?? "";
    renameSync(archive.path, `${archive.path}.away`);
    using ahead = closing(watcher.events("a", { since }));
    using behind = closing(watcher.events("a", { since: "another" }));
    await Promise.all([ahead.ready, behind.ready]);
    await clock.advance(2 * POLL_INTERVAL_MS);
    expect([eventsOf(ahead), eventsOf(behind)]).toEqual([["degraded"], ["degraded"]]);
    expect(before?.version).not.toBe(since);
    renameSync(`${archive.path}.away`, archive.path);
    await clock.advance(2 * POLL_INTERVAL_MS);
    expect([eventsOf(ahead), eventsOf(behind)]).toEqual([["recovered"], ["recovered", "session_updated"]]);
  });

  test("fault 10: an archive that cannot be read is degraded, then recovered, and nothing is lost", async () => {
    using subscription = closing(watcher.events("a"));
    await subscription.ready;
    renameSync(archive.path, `${archive.path}.away`);
    await clock.advance(POLL_INTERVAL_MS);
    await clock.advance(2 * POLL_INTERVAL_MS);
    expect(takeAll(subscription)).toEqual([
      { event: "degraded", data: `Cannot read archive ${JSON.stringify(archive.path)}: it does not exist` },
    ]);
    archive.touch("a");
    renameSync(`${archive.path}.away`, archive.path);
    await clock.advance(2 * POLL_INTERVAL_MS);
    expect(eventsOf(subscription)).toEqual(["recovered", "session_updated"]);
  });

  test("says nothing of an archive that could not be read for a moment", async () => {
    using subscription = closing(watcher.events("a"));
    await subscription.ready;
    renameSync(archive.path, `${archive.path}.away`);
    await clock.advance(POLL_INTERVAL_MS);
    await clock.advance(500);
    renameSync(`${archive.path}.away`, archive.path);
    await clock.advance(10 * POLL_INTERVAL_MS);
    expect(takeAll(subscription)).toEqual([]);
  });

  test("tries again within a fraction of the poll interval while it cannot read", async () => {
    using subscription = closing(watcher.events("a"));
    await subscription.ready;
    renameSync(archive.path, `${archive.path}.away`);
    await clock.advance(POLL_INTERVAL_MS);
    archive.touch("a");
    renameSync(`${archive.path}.away`, archive.path);
    await clock.advance(100);
    expect(eventsOf(subscription)).toEqual(["session_updated"]);
  });

  test("tells a new subscriber of an outage that goes on", async () => {
    using first = closing(watcher.events("a"));
    await first.ready;
    renameSync(archive.path, `${archive.path}.away`);
    await clock.advance(3 * POLL_INTERVAL_MS);
    using second = closing(watcher.events("a"));
    await second.ready;
    expect(eventsOf(second)).toEqual(["degraded"]);
    await expect(watcher.events("b").ready).rejects.toMatchObject({ code: "archive_unavailable" });
  });
});

describe("Feed with an engine", () => {
  /** Follows a script: what a transcript is, and what syncing it does. */
  class Script implements Engine {
    token: string | null = null;
    syncs: string[] = [];
    onSync: () => Promise<void> = async () => undefined;

    async sourceToken(): Promise<string | null> {
      return this.token;
    }

    async sync(id: string): Promise<void> {
      this.syncs.push(id);
      await this.onSync();
    }
  }

  test("syncs a lagging session once for all subscribers, then tells them", async () => {
    const engine = new Script();
    watcher = new Watcher(observed.store, engine, { clock });
    const subscriptions = [1, 2, 3].map(() => watcher.events("a"));
    await Promise.all(subscriptions.map(({ ready }) => ready));
    engine.token = "ahead";
    engine.onSync = async () => void archive.touch("a");
    await clock.advance(POLL_INTERVAL_MS);
    await clock.advance(SYNC_FALLBACK_DELAY_MS);
    expect(engine.syncs).toEqual(["a"]);
    for (const subscription of subscriptions) {
      expect(eventsOf(subscription)).toEqual(["session_updated"]);
      subscription.close();
    }
  });

  test("fault 1: reports a sync that failed, and tries again", async () => {
    const engine = new Script();
    const failures: string[] = [];
    watcher = new Watcher(observed.store, engine, {
      clock,
      onSyncError: (id, error) => failures.push(`${id}: ${error}`),
    });
    using subscription = closing(watcher.events("a"));
    await subscription.ready;
    engine.token = "ahead";
    engine.onSync = () => Promise.reject(new Error("torn"));
    await clock.advance(POLL_INTERVAL_MS + SYNC_FALLBACK_DELAY_MS);
    expect([engine.syncs.length, failures]).toEqual([1, ["a: Error: torn"]]);
    engine.onSync = async () => void archive.touch("a");
    await clock.advance(SYNC_FALLBACK_DELAY_MS + POLL_INTERVAL_MS);
    expect(engine.syncs.length).toBe(2);
    expect(eventsOf(subscription)).toEqual(["session_updated"]);
  });

  test("a transcript that hangs delays no other session", async () => {
    const engine = new Script();
    engine.sourceToken = (id?: string) =>
      id === "a" ? new Promise(() => undefined) : Promise.resolve("same");
    watcher = new Watcher(observed.store, engine, { clock });
    using a = closing(watcher.events("a"));
    using b = closing(watcher.events("b"));
    await Promise.all([a.ready, b.ready]);
    archive.touch("a").touch("b");
    await clock.advance(POLL_INTERVAL_MS);
    expect([eventsOf(a), eventsOf(b)]).toEqual([["session_updated"], ["session_updated"]]);
  });
});

describe("Feed with very many transcripts", () => {
  test("looks at some of them at each poll, at all in turn, and always at one that lags", async () => {
    const looks: string[] = [];
    const syncs: string[] = [];
    const engine: Engine = {
      async sourceToken(id) {
        looks.push(id);
        return id === "lags" ? "ahead" : null;
      },
      async sync(id) {
        syncs.push(id);
      },
    };
    archive.add("lags");
    const ids = Array.from({ length: 3 * TRANSCRIPTS_PER_POLL }, (_, index) => `s${index}`);
    archive.db.exec("BEGIN");
    for (const id of ids) archive.add(id);
    archive.db.exec("COMMIT");
    watcher = new Watcher(observed.store, engine, { clock });
    using subscription = closing(watcher.eventsOf({ sessions: ["lags", ...ids], filter: {} }));
    await subscription.ready;
    await settled();
    expect(new Set(looks).size).toBe(ids.length + 1);
    for (let poll = 0; poll < 4; poll += 1) {
      looks.length = 0;
      await clock.advance(POLL_INTERVAL_MS);
      expect(looks.length).toBeLessThanOrEqual(TRANSCRIPTS_PER_POLL + 1);
      expect(looks).toContain("lags");
    }
    expect(syncs).toEqual(["lags"]);
    looks.length = 0;
    await clock.advance(4 * POLL_INTERVAL_MS);
    expect(new Set(looks).size).toBe(ids.length + 1);
  });
});

/** A subscription that ends with its test. */
function closing<T>(subscription: Subscription<T>): Subscription<T> & Disposable {
  return Object.assign(subscription, { [Symbol.dispose]: () => subscription.close() });
}
