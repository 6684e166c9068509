import { expect, test } from "bun:test";
import { Scopes } from "../../src/server/scopes.ts";
import { Mailbox } from "../../src/watch/mailbox.ts";
import type { Clock } from "../../src/watch/ports.ts";
import { FakeClock } from "../support/clock.ts";
import { delivered, updated } from "../support/deliveries.ts";

test("Scopes tells what was held back, also when its timer comes before its time", async () => {
  const clock = new FakeClock();
  // Timers and clocks of a runtime need not agree on the last fraction of a ms.
  const hasty: Clock = { now: () => clock.now(), after: (ms, run) => clock.after(ms - 0.5, run) };
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
