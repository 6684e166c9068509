import { expect, test } from "bun:test";
import { createApp } from "../../src/server/app.ts";
import { Streams } from "../../src/server/streams/streams.ts";
import { Watcher } from "../../src/watch/watcher.ts";
import { ForeignArchive } from "../support/archives.ts";
import { FakeClock } from "../support/clock.ts";
import { someSources } from "../support/sources.ts";
import { openForeign } from "../support/stores.ts";
import { Workspace } from "../support/workspace.ts";

test("an error that is not the client's is reported, and tells the client nothing", async () => {
  using workspace = new Workspace();
  using archive = new ForeignArchive(workspace.path("view.db")).add("a");
  const store = openForeign(archive.path);
  store.list = () => Promise.reject(new Error("secret: hunter2"));
  const clock = new FakeClock();
  const errors: unknown[] = [];
  const app = createApp({
    store,
    watcher: new Watcher(store, undefined, { clock }),
    streams: new Streams(clock, 30_000),
    clock,
    sync: () => Promise.reject(new Error("nobody asked")),
    metrics: someSources(),
    onRequest: () => undefined,
    version: "0",
    pid: 1,
    onError: (error) => errors.push(error),
  });
  const response = await app.request("http://localhost/api/v1/sessions");
  expect([response.status, await response.json(), errors.length]).toEqual([
    500,
    { error: "internal error" },
    1,
  ]);
  await store.close();
});
