import { expect, test } from "bun:test";
import { Told } from "../../src/watch/told.ts";
import { eventFor, heartbeat } from "../../src/session/events.ts";

const updated = (version: string) => eventFor("a", { version, messageCount: 1 }, null, 0);
const deleted = eventFor("a", null, null, 0);

test("Told.knows() a session's last version, and that it is gone", () => {
  const told = new Told();
  expect([told.knows(deleted), told.knows(updated("1"))]).toEqual([true, false]);
  told.note(updated("1"));
  expect([told.knows(updated("1")), told.knows(updated("2")), told.knows(deleted)]).toEqual([
    true,
    false,
    false,
  ]);
  told.note(deleted);
  expect([told.knows(deleted), told.knows(updated("1")), told.ids]).toEqual([true, false, []]);
});

test("Told.knows() nothing of what is said of no session", () => {
  const told = new Told();
  told.note(heartbeat(0));
  expect([told.knows(heartbeat(0)), told.knows({ event: "degraded", data: "x" })]).toEqual([false, false]);
});
