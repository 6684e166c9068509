import { expect, test } from "bun:test";
import { SqliteStore } from "../../../../src/stores/sqlite/read/sqlite-store.ts";
import { ForeignArchive } from "../../../support/archives.ts";
import { FakeClock } from "../../../support/clock.ts";
import { Workspace } from "../../../support/workspace.ts";

test.each([
  [0, "once"],
  [1, "not at all"],
])("revision() %i ms after a notification reuses the one that it was checked with: %s", async (passedMs) => {
  using workspace = new Workspace();
  using archive = new ForeignArchive(workspace.path("sessions.db")).add("a");
  const clock = new FakeClock();
  const store = new SqliteStore(archive.path, clock, { leavesNoTrace: true });
  const { promise: notified, resolve } = Promise.withResolvers<[string, string]>();
  const stop = store.onHint(() => {
    // Nothing else runs between the check, this commit and the two questions.
    archive.touch("a");
    clock.pass(passedMs);
    void Promise.all([store.revision(), store.revision()]).then(resolve);
  });
  await store.revision();
  archive.touch("a");
  const [first, second] = await notified;
  stop();
  await store.close();
  expect(first === second).toBe(passedMs === 1);
});
