import { beforeEach, expect, test } from "bun:test";
import { Scopes } from "../../../src/server/streams/scopes.ts";
import { Mailbox } from "../../../src/watch/mailbox.ts";
import type { Clock } from "../../../src/async/clock.ts";
import { eventFor } from "../../../src/session/events.ts";
import { Subscription } from "../../../src/watch/subscription.ts";
import { FakeClock } from "../../support/clock.ts";
import { delivered, updated } from "../../support/deliveries.ts";

let clock: FakeClock;
let mailbox: Mailbox;
let scopes: Scopes;
let calls: number;

beforeEach(() => {
  clock = new FakeClock();
  calls = 0;
  const changes = new Subscription(undefined, (given) => {
    mailbox = given;
    return { ready: Promise.resolve(null), leave: () => undefined };
  });
  scopes = new Scopes(changes, clock, 0);
  scopes.onPending(() => (calls += 1));
});

function taken(): [scope: string, sequence: number | null][] {
  const all: [string, number | null][] = [];
  for (let change = scopes.take(); change !== undefined; change = scopes.take())
    all.push([change.scope, change.sequence]);
  return all;
}

test("Scopes distinguishes added and deleted sessions from changed ones", () => {
  mailbox.put({ ...delivered(updated("new"), 1), born: 1 });
  mailbox.put(delivered(updated("old"), 2));
  mailbox.put(delivered(eventFor("old", null, null, 0), 3));
  expect(taken()).toEqual([
    ["sessions", null],
    ["messages", 3],
  ]);
});

test("Scopes reports a session that is new to the client as added, however often it has changed", () => {
  mailbox.put({ ...delivered(updated("new"), 5), born: 3 });
  expect(taken()).toEqual([["sessions", 5]]);
  mailbox.put({ ...delivered(updated("new"), 6), born: 3 });
  expect(taken()).toEqual([]);
});

test("Scopes goes on when the machine's clock is set", async () => {
  mailbox.put(delivered(updated("a"), 1));
  taken();
  clock.set(-3_600_000);
  mailbox.put(delivered(updated("a"), 2));
  await clock.advance(500);
  expect(taken()).toEqual([["messages", 2]]);
});

test("Scopes reports the first change at once, and those of the next half second together", async () => {
  mailbox.put(delivered(updated("a"), 1));
  expect(taken()).toEqual([["messages", 1]]);
  for (let sequence = 2; sequence <= 50; sequence += 1) {
    mailbox.put(delivered(updated("a"), sequence));
    expect(taken()).toEqual([]);
  }
  calls = 0;
  await clock.advance(499);
  expect([calls, taken()]).toEqual([0, []]);
  await clock.advance(1);
  expect([calls, taken()]).toEqual([1, [["messages", 50]]]);
  expect(clock.pending).toBe(0);
});

test("Scopes reports sync after an outage, and to a client whose cursor is invalid", () => {
  mailbox.put(delivered({ event: "degraded", data: "why" }));
  expect(taken()).toEqual([]);
  mailbox.put(delivered({ event: "recovered", data: "now" }));
  scopes.missedEverything();
  expect(taken()).toEqual([["sync", 0]]);
});

test("Scopes leaves no timer behind", async () => {
  mailbox.put(delivered(updated("a"), 1));
  taken();
  mailbox.put(delivered(updated("a"), 2));
  expect(clock.pending).toBe(1);
  scopes.close();
  expect([clock.pending, scopes.closed, taken()]).toEqual([0, true, []]);
});

test("Scopes reports a held-back change even if its timer fires early", async () => {
  const clock = new FakeClock();
  // Timers and clocks of a runtime may differ by a fraction of a ms.
  const hasty: Clock = {
    now: () => clock.now(),
    date: () => clock.date(),
    after: (ms, run) => clock.after(ms - 0.5, run),
  };
  let notify = (): void => undefined;
  const mailbox = new Mailbox(() => notify());
  const scopes = new Scopes(
    {
      take: () => mailbox.take(),
      onPending: (given) => void (notify = given),
      closed: false,
      close: () => undefined,
    },
    hasty,
    0,
  );
  const told: string[] = [];
  scopes.onPending(() => {
    for (let change = scopes.take(); change !== undefined; change = scopes.take()) told.push(change.scope);
  });
  mailbox.put(delivered(updated("a"), 1));
  mailbox.put(delivered(updated("a"), 2));
  expect(told).toEqual(["messages"]);
  await clock.advance(500);
  expect(told).toEqual(["messages", "messages"]);
});
