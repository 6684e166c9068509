import { expect, test } from "bun:test";
import { statSync, utimesSync, writeFileSync } from "node:fs";
import * as sessionwatch from "../src/mod.ts";
import { ForeignArchive } from "./support/archives.ts";
import { within } from "./support/program.ts";
import { Served } from "./support/served.ts";
import { Workspace } from "./support/workspace.ts";

test("the three constants are those of the reference", () => {
  const { POLL_INTERVAL_MS, HEARTBEAT_TICKS, SYNC_FALLBACK_DELAY_MS } = sessionwatch;
  expect([POLL_INTERVAL_MS, HEARTBEAT_TICKS, SYNC_FALLBACK_DELAY_MS]).toEqual([1500, 20, 5000]);
});

test("statMtime() gives whole nanoseconds, and 0n for what cannot be stat'd", () => {
  using workspace = new Workspace();
  const path = workspace.path("file");
  writeFileSync(path, "");
  utimesSync(path, 1_767_225_600.25, 1_767_225_600.25);
  expect(sessionwatch.statMtime(path)).toBe(statSync(path, { bigint: true }).mtimeNs);
  expect(sessionwatch.statMtime(path)).toBe(1_767_225_600_250_000_000n);
  for (const missing of [workspace.path("missing"), `${path}/below`, "x".repeat(5000), "nul\0"]) {
    expect(sessionwatch.statMtime(missing)).toBe(0n);
  }
});

test("new Watcher(store).events(id, { signal }) follows a session on real time", async () => {
  using workspace = new Workspace();
  using archive = new ForeignArchive(workspace.path("view.db")).add("a");
  const { store } = await sessionwatch.openStore(archive.path, { defaultPath: workspace.archive });
  const controller = new AbortController();
  const updates: sessionwatch.Update[] = [];
  const following = (async () => {
    for await (const update of new sessionwatch.Watcher(store).events("a", { signal: controller.signal })) {
      updates.push(update);
      controller.abort();
    }
  })();
  archive.touch("a");
  await within(following, () => "an update");
  expect(updates).toMatchObject([{ event: "session_updated", data: "a", message_count: 2 }]);
  await store.close();
});

test("followServer() follows a session through a server, and ends with the loop over it", async () => {
  using workspace = new Workspace();
  using archive = new ForeignArchive(workspace.path("view.db")).add("a");
  await using served = new Served(archive.path);
  const counts: number[] = [];
  const following = (async () => {
    const url = `http://127.0.0.1:${served.port}`;
    for await (const event of sessionwatch.followServer(url, { id: "a" }, { initial: true })) {
      if (event.event !== "session_updated") continue;
      counts.push(event.message_count);
      if (counts.length === 2) break;
      archive.touch("a");
    }
  })();
  await within(following, () => "two updates");
  expect(counts).toEqual([1, 2]);
});

test("followServer() throws the signal's reason, and what a server refuses", async () => {
  const { signal } = new AbortController();
  const stopping = new AbortController();
  stopping.abort("stop");
  const next = (server: string, given: AbortSignal) =>
    sessionwatch.followServer(server, { id: "a" }, { signal: given }).next();
  await expect(next("http://127.0.0.1:9", stopping.signal)).rejects.toBe("stop");
  await expect(next("nonsense", signal)).rejects.toMatchObject({ code: "usage" });
});
