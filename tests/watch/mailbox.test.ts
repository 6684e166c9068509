import { expect, test } from "bun:test";
import { Mailbox } from "../../src/watch/mailbox.ts";
import { eventFor } from "../../src/session/events.ts";
import { delivered, takeAll, updated } from "../support/deliveries.ts";

test("fault 13: Mailbox holds one pending update per session, however many were put", () => {
  const mailbox = new Mailbox(() => undefined);
  for (let version = 1; version <= 10_000; version += 1)
    mailbox.put(delivered(updated("a", String(version))));
  mailbox.put(delivered(updated("b", "1")));
  expect(takeAll(mailbox)).toEqual([updated("a", "10000"), updated("b", "1")]);
});

test("Mailbox gives a session its place by its newest change", () => {
  const mailbox = new Mailbox(() => undefined);
  for (const id of ["a", "b", "a"]) mailbox.put(delivered(updated(id, "1")));
  expect(takeAll(mailbox).map(({ data }) => data)).toEqual(["b", "a"]);
});

test("Mailbox lets a deletion replace an update that was not taken", () => {
  const mailbox = new Mailbox(() => undefined);
  mailbox.put(delivered(updated("a", "1")));
  mailbox.put(delivered(eventFor("a", null, null, 0)));
  expect(takeAll(mailbox).map(({ event }) => event)).toEqual(["session_deleted"]);
});

test("Mailbox says nothing of an outage that was over before it was heard of", () => {
  const mailbox = new Mailbox(() => undefined);
  mailbox.put(delivered({ event: "degraded", data: "x" }));
  mailbox.put(delivered({ event: "recovered", data: "y" }));
  expect(takeAll(mailbox)).toEqual([]);
  mailbox.put(delivered({ event: "degraded", data: "x" }));
  expect(takeAll(mailbox)).toEqual([{ event: "degraded", data: "x" }]);
  mailbox.put(delivered({ event: "recovered", data: "y" }));
  expect(takeAll(mailbox)).toEqual([{ event: "recovered", data: "y" }]);
});

test("Mailbox calls only when there is something to take", () => {
  let calls = 0;
  const mailbox = new Mailbox(() => {
    calls += 1;
  });
  mailbox.put(delivered({ event: "recovered", data: "never heard of an outage" }));
  expect(calls).toBe(0);
  mailbox.put(delivered(updated("a", "1")));
  expect(calls).toBe(1);
});
