import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DELETED } from "../../src/session/session.ts";
import { baseline, step, SYNC_RETRY_MAX_MS } from "../../src/watch/step.ts";
import type { Row, Sighting, WatchState } from "../../src/watch/step.ts";
import { Reference } from "./reference.ts";

const DELAY_MS = 5000;
const POLL_MS = 1500;

function row(version: string, sourceToken: string | null = "a"): Row {
  return { version, sourceToken };
}

/** The state after a first look. */
function seen({ row: found, source }: Omit<Sighting, "nowMs">): WatchState {
  return step(baseline(found), { nowMs: 0, row: found, source }, DELAY_MS).state;
}

describe("step()", () => {
  test("emits when the version changes, and knows it then", () => {
    const { action, state } = step(seen({ row: row("1") }), { nowMs: 1, row: row("2") }, DELAY_MS);
    expect(action).toBe("emit");
    expect(step(state, { nowMs: 2, row: row("2") }, DELAY_MS).action).toBe("wait");
  });

  test("emits when the row vanishes, and again when it is back", () => {
    const gone = step(seen({ row: row("1") }), { nowMs: 1, row: null }, DELAY_MS);
    expect([gone.action, gone.state.version]).toEqual(["emit", DELETED]);
    expect(step(gone.state, { nowMs: 2, row: row("1") }, DELAY_MS).action).toBe("emit");
  });

  test("waits while the source period of grace lasts, then syncs", () => {
    let { action, state } = step(
      seen({ row: row("1"), source: "a" }),
      { nowMs: 0, row: row("1"), source: "b" },
      DELAY_MS,
    );
    expect(action).toBe("wait");
    ({ action, state } = step(state, { nowMs: DELAY_MS - 1, row: row("1"), source: "b" }, DELAY_MS));
    expect(action).toBe("wait");
    ({ action, state } = step(state, { nowMs: DELAY_MS, row: row("1"), source: "b" }, DELAY_MS));
    expect(action).toBe("sync");
  });

  test("syncs a lag that was there before anybody watched", () => {
    const state = seen({ row: row("1", "a"), source: "b" });
    expect(step(state, { nowMs: DELAY_MS, row: row("1", "a"), source: "b" }, DELAY_MS).action).toBe("sync");
  });

  test("forgets a source that vanished, and syncs at once when it re-appears with something new", () => {
    const gone = step(
      seen({ row: row("1"), source: "a" }),
      { nowMs: 1, row: row("1"), source: null },
      DELAY_MS,
    );
    expect([gone.action, gone.state.syncAtMs]).toEqual(["wait", null]);
    expect(step(gone.state, { nowMs: 2, row: row("1"), source: "b" }, DELAY_MS).action).toBe("sync");
    expect(step(gone.state, { nowMs: 2, row: row("1"), source: "a" }, DELAY_MS).action).toBe("wait");
  });

  test("gives a row that has changed and is still behind the whole delay again, and starts the backoff anew", () => {
    let state = seen({ row: row("1", "a"), source: "b" });
    for (const nowMs of [5000, 10_000])
      state = step(state, { nowMs, row: row("1", "a"), source: "b" }, DELAY_MS).state;
    expect(state.syncs).toBe(2);
    const emitted = step(state, { nowMs: 12_000, row: row("2", "b"), source: "c" }, DELAY_MS);
    expect([emitted.action, emitted.state.syncAtMs, emitted.state.syncs]).toEqual([
      "emit",
      12_000 + DELAY_MS,
      0,
    ]);
    expect(step(emitted.state, { nowMs: 16_999, row: row("2", "b"), source: "c" }, DELAY_MS).action).toBe(
      "wait",
    );
    expect(step(emitted.state, { nowMs: 17_000, row: row("2", "b"), source: "c" }, DELAY_MS).action).toBe(
      "sync",
    );
  });

  test("does not take a source that nobody looked at for one that vanished", () => {
    const state = seen({ row: row("1", "a"), source: "b" });
    expect(step(state, { nowMs: 1, row: row("1", "a") }, DELAY_MS)).toEqual({ action: "wait", state });
  });

  test("fault 1: a failed fallback sync is retried, after 5 s doubling to 5 min", () => {
    let state = seen({ row: row("1"), source: "b" });
    const syncedAtMs: number[] = [];
    for (let nowMs = 0; nowMs <= 1_500_000; nowMs += 1000) {
      const result = step(state, { nowMs, row: row("1"), source: "b" }, DELAY_MS);
      state = result.state;
      if (result.action === "sync") syncedAtMs.push(nowMs);
    }
    const waits = syncedAtMs.slice(1).map((atMs, index) => atMs - (syncedAtMs[index] ?? 0));
    expect(waits.slice(0, 8)).toEqual([5000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
    expect(Math.max(...waits)).toBe(SYNC_RETRY_MAX_MS);
  });

  test("fault 2: an ordinary update is not followed by a redundant sync", () => {
    let { action, state } = step(
      seen({ row: row("1", "a"), source: "a" }),
      { nowMs: 0, row: row("2", "b"), source: "b" },
      DELAY_MS,
    );
    expect(action).toBe("emit");
    for (let nowMs = POLL_MS; nowMs < 60_000; nowMs += POLL_MS) {
      ({ action, state } = step(state, { nowMs, row: row("2", "b"), source: "b" }, DELAY_MS));
      expect(action).toBe("wait");
    }
  });
});

/**
 * A world in which both run side by side, each with its own archive, because each syncs it by itself. Where
 * the reference's faults cannot show, both must say the same at the same tick.
 */
describe("step() against the reference", () => {
  /** What can happen between two ticks. */
  const happening = fc.constantFrom("nothing", "append", "archive written", "vanish", "appear");

  class Side {
    version = 1;
    stored: string;
    constructor(source: string) {
      this.stored = source;
    }
    sync(source: string | null): boolean {
      // A sync of an unchanged transcript changes nothing.
      if (source !== null && source !== this.stored) {
        this.stored = source;
        this.version += 1;
      }
      return true;
    }
  }

  /**
   * Intended differences, and how the runs stay clear of them:
   * - fault 1, failed syncs are retried: here every sync succeeds;
   * - fault 2, no sync where the row is not behind: only emissions are compared, such a sync emits nothing;
   * - an archive write does not cancel the sync of a row that is still behind: none happens while one is;
   * - the wait starts anew with each lag, not with a redundant one before it: no write comes with an append;
   * - fault 9, deletions are told; fault 10, unreadable is not unchanged: every row stays and can be read.
   */
  test("emits at the same ticks wherever the reference's faults do not show", () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        let revision = 1;
        let present = true;
        const ours = new Side("1");
        const theirs = new Side("1");
        const reference = new Reference({ version: "1", mtime: "1" }, DELAY_MS);
        let state = seen({ row: row("1", "1"), source: "1" });
        for (const [tick, what] of happenings.entries()) {
          const isBehind = ours.stored !== String(revision) || theirs.stored !== String(revision);
          if (what === "append" && present) revision += 1;
          if (what === "archive written" && !isBehind) {
            ours.version += 1;
            theirs.version += 1;
          }
          if (what === "vanish") present = false;
          if (what === "appear") present = true;

          const nowMs = tick * POLL_MS;
          const source = present ? String(revision) : null;
          const told = reference.tick({
            nowMs,
            get version() {
              return String(theirs.version);
            },
            mtime: source,
            sync: () => theirs.sync(source),
          });
          expect(look(ours, nowMs, source)).toBe(told);
        }

        function look(side: Side, nowMs: number, source: string | null): boolean {
          const first = step(state, { nowMs, row: row(String(side.version), side.stored), source }, DELAY_MS);
          state = first.state;
          if (first.action !== "sync") return first.action === "emit";
          side.sync(source);
          const again = step(state, { nowMs, row: row(String(side.version), side.stored), source }, DELAY_MS);
          state = again.state;
          return again.action === "emit";
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("ends with the archive caught up and told, whatever happened and however often a sync failed", () => {
    const event = fc.record({
      waitMs: fc.integer({ min: 1, max: 20_000 }),
      append: fc.boolean(),
      written: fc.boolean(),
      present: fc.boolean(),
      syncs: fc.boolean(),
      looked: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const side = new Side("1");
        let revision = 1;
        let nowMs = 0;
        let state = seen({ row: row("1", "1"), source: "1" });
        let told = "1";
        for (const { waitMs, append, written, present, syncs, looked } of events) {
          nowMs += waitMs;
          if (append) revision += 1;
          if (written) side.version += 1;
          look(present ? String(revision) : null, syncs, looked);
        }
        // Quiet from here on: at most one longest wait later everything is told.
        for (const endMs = nowMs + SYNC_RETRY_MAX_MS + 2 * POLL_MS; nowMs < endMs; nowMs += POLL_MS) {
          look(String(revision), true, true);
        }
        expect([side.stored, told]).toEqual([String(revision), String(side.version)]);

        function look(source: string | null, syncs: boolean, looked: boolean): void {
          const sighting: Sighting = { nowMs, row: row(String(side.version), side.stored) };
          if (looked) sighting.source = source;
          const before = state;
          const result = step(state, sighting, DELAY_MS);
          state = result.state;
          // Never an update without a change, never a sync of a row that is not behind.
          if (result.action === "emit") {
            expect(before.version).not.toBe(String(side.version));
            told = String(side.version);
          }
          if (result.action !== "sync") return;
          expect(source).not.toBe(side.stored);
          if (syncs) side.sync(source);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
