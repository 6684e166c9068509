import { beforeEach, expect, test } from "bun:test";
import type { ConnectionEvent } from "../../src/client/connection-event.ts";
import { Disconnection } from "../../src/client/disconnection.ts";
import { FakeClock } from "../support/clock.ts";

let clock: FakeClock;
let events: ConnectionEvent[];
let disconnection: Disconnection;
beforeEach(() => {
  clock = new FakeClock();
  events = [];
  disconnection = new Disconnection("http://h", clock, (event) => events.push(event));
});

test("a disconnection of 5 s is reported once, with the last reason, and so is its end", async () => {
  disconnection.goesOn("connection lost");
  await clock.advance(3000);
  disconnection.goesOn("connection refused");
  await clock.advance(1999);
  expect(events).toEqual([]);
  await clock.advance(1);
  disconnection.goesOn("connection refused");
  await clock.advance(60_000);
  expect(events).toEqual([{ kind: "lost", origin: "http://h", forMs: 5000, reason: "connection refused" }]);
  disconnection.isOver();
  disconnection.isOver();
  expect(events.slice(1)).toEqual([{ kind: "restored", origin: "http://h" }]);
});

test("each disconnection is timed from its own beginning", async () => {
  for (let round = 0; round < 3; round += 1) {
    disconnection.goesOn("connection lost");
    await clock.advance(4999);
    disconnection.isOver();
  }
  expect([events, clock.pending]).toEqual([[], 0]);
});
