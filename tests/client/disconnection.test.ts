import { beforeEach, expect, test } from "bun:test";
import { Disconnection } from "../../src/client/disconnection.ts";
import { FakeClock } from "../support/clock.ts";

let clock: FakeClock;
let said: string[];
let disconnection: Disconnection;
beforeEach(() => {
  clock = new FakeClock();
  said = [];
  const log = {
    warning: (text: string) => void said.push(`warning: ${text}`),
    info: (text: string) => void said.push(text),
  };
  disconnection = new Disconnection("http://h", clock, log);
});

test("a disconnection of 5 s is told once, with the last reason, and so is its end", async () => {
  disconnection.goesOn("connection lost");
  await clock.advance(3000);
  disconnection.goesOn("connection refused");
  await clock.advance(1999);
  expect(said).toEqual([]);
  await clock.advance(1);
  disconnection.goesOn("connection refused");
  await clock.advance(60_000);
  expect(said).toEqual(["warning: no connection to http://h for 5 s (connection refused), still trying"]);
  disconnection.isOver();
  disconnection.isOver();
  expect(said.slice(1)).toEqual(["connected to http://h again"]);
});

test("each disconnection counts from its own beginning", async () => {
  for (let round = 0; round < 3; round += 1) {
    disconnection.goesOn("connection lost");
    await clock.advance(4999);
    disconnection.isOver();
  }
  expect([said, clock.pending]).toEqual([[], 0]);
});
