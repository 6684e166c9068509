/** Sessions that have gone without a trace, while the archive cannot always be read. */

import { expect, test } from "bun:test";
import { systemClock } from "../../src/runtime/clock.ts";
import { openStore } from "../../src/mod.ts";
import type { Update } from "../../src/session/events.ts";
import { Watcher } from "../../src/watch/watcher.ts";
import { takeAll } from "../support/deliveries.ts";
import { sharedServer } from "../support/postgres/server.ts";
import { PostgresForeignArchive } from "../support/postgres/foreign-archive.ts";
import { until } from "../support/program.ts";
import { observe } from "../support/stores.ts";

test("are found, even if the archive cannot be read when they are looked for", async () => {
  await using archive = await PostgresForeignArchive.create(await sharedServer());
  await archive.add("a");
  await archive.add("b");
  const { store } = await openStore(archive.url);
  let refusals = 0;
  const { store: observed } = observe(store);
  const unsteady = {
    ...observed,
    async changes(mark: string | null) {
      if (mark !== null || refusals === 0) return await observed.changes(mark);
      refusals -= 1;
      throw new Error("not now");
    },
  };
  const watcher = new Watcher(unsteady, undefined, { clock: systemClock, pollIntervalMs: 20 });
  const subscription = watcher.eventsOf({ sessions: "all", filter: {} });
  try {
    await subscription.ready;
    refusals = 1;
    await archive.remove("b");
    const told: Update[] = [];
    await until(
      () => told.push(...takeAll(subscription)) > 0,
      () => "the deletion",
    );
    expect(told).toMatchObject([{ event: "session_deleted", data: "b" }]);
    expect(refusals).toBe(0);
  } finally {
    subscription.close();
    await store.close();
  }
});
