import { expect, test } from "bun:test";
import { Readiness } from "../../../src/server/monitoring/readiness.ts";
import type { Store } from "../../../src/watch/ports.ts";
import { ForeignArchive } from "../../support/archives.ts";
import { FakeClock, settled } from "../../support/clock.ts";
import { observe, openForeign } from "../../support/stores.ts";
import { Workspace } from "../../support/workspace.ts";

test("check() gives up after 2 s, sends a hanging archive one query, and a new one once that is answered", async () => {
  using workspace = new Workspace();
  using archive = new ForeignArchive(workspace.path("view.db")).add("a");
  const { store, reads } = observe(openForeign(archive.path));
  const { promise: stuck, resolve: release } = Promise.withResolvers<void>();
  const hanging: Store = {
    ...store,
    async states(ids) {
      const states = await store.states(ids);
      await stuck;
      return states;
    },
  };
  const clock = new FakeClock();
  const readiness = new Readiness(hanging, clock);
  const outcomes: string[] = [];
  const check = (): void =>
    void readiness.check().then(
      () => outcomes.push("ready"),
      (error: unknown) => outcomes.push(String(error)),
    );
  check();
  await clock.advance(1999);
  expect(outcomes).toEqual([]);
  check();
  await clock.advance(1);
  expect(outcomes).toEqual(["WatchError: the archive has not answered within 2 s"]);
  release();
  await settled();
  expect([outcomes.at(-1), reads.length, clock.pending]).toEqual(["ready", 1, 0]);
  await readiness.check();
  expect(reads).toHaveLength(2);
  await store.close();
});
