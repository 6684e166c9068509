import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "../../src/stores/sqlite/database/lock-patience.ts";
import { FakeClock } from "../support/clock.ts";

const WAIT = { patienceMs: 100, retryMs: 10 };

describe("withLock()", () => {
  test("attempts again while a lock is in the way", async () => {
    const clock = new FakeClock();
    let attempts = 0;
    const outcome = withLock(() => ((attempts += 1) < 3 ? locked() : "read"), clock, WAIT);
    await clock.advance(50);
    expect([await outcome, attempts]).toEqual(["read", 3]);
  });

  test("throws the lock when patience has run out", async () => {
    const clock = new FakeClock();
    const outcome = withLock(locked, clock, WAIT).catch(String);
    await clock.advance(WAIT.patienceMs + WAIT.retryMs);
    expect(await outcome).toContain("database is locked");
    expect(clock.pending).toBe(0);
  });

  test("throws any other error at once", async () => {
    const clock = new FakeClock();
    const fail = (): never => {
      throw new Error("disk I/O error");
    };
    expect(await withLock(fail, clock, WAIT).catch(String)).toContain("disk I/O error");
    expect(clock.pending).toBe(0);
  });
});

test("the SQLite store takes time from its clock alone", () => {
  for (const folder of ["sqlite", "shared"]) {
    const root = join(import.meta.dir, "../../src/stores", folder);
    for (const name of readdirSync(root, { recursive: true, encoding: "utf8" }).filter((it) =>
      it.endsWith(".ts"),
    ))
      expect(readFileSync(join(root, name), "utf8"), name).not.toMatch(
        /Date\.now|new Date\(\)|performance\.|setTimeout|node:timers/,
      );
  }
});

function locked(): never {
  throw new Error("database is locked");
}
