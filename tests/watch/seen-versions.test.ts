import { expect, test } from "bun:test";
import { SeenVersions } from "../../src/watch/seen-versions.ts";
import { eventFor, heartbeat } from "../../src/session/events.ts";

const updated = (version: string) => eventFor("a", { version, messageCount: 1 }, null, 0);
const deleted = eventFor("a", null, null, 0);

test("SeenVersions.knows() the last version of a session, and its deletion", () => {
  const seen = new SeenVersions();
  expect([seen.knows(deleted), seen.knows(updated("1"))]).toEqual([true, false]);
  seen.note(updated("1"));
  expect([seen.knows(updated("1")), seen.knows(updated("2")), seen.knows(deleted)]).toEqual([
    true,
    false,
    false,
  ]);
  seen.note(deleted);
  expect([seen.knows(deleted), seen.knows(updated("1")), seen.ids]).toEqual([true, false, []]);
});

test("SeenVersions.knows() is false for events that are not about a session", () => {
  const seen = new SeenVersions();
  seen.note(heartbeat(0));
  expect([seen.knows(heartbeat(0)), seen.knows({ event: "degraded", data: "x" })]).toEqual([false, false]);
});
