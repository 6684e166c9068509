import { expect, test } from "bun:test";
import { createTestApp } from "../support/app.ts";
import { ForeignArchive } from "../support/archives.ts";
import { FakeClock } from "../support/clock.ts";
import { Workspace } from "../support/workspace.ts";

test("observeRequests() reports the path without a query, also one that is in the path by mistake", async () => {
  using workspace = new Workspace();
  using archive = new ForeignArchive(workspace.path("view.db")).add("a");
  const paths: string[] = [];
  const { app, store } = createTestApp(archive.path, new FakeClock(), {
    onRequest: ({ path }) => void paths.push(path),
  });
  for (const path of [
    "/api/v1/events/?token=hunter2",
    "/api/v1/events&token=hunter2",
    "/api/v1/events%3Ftoken=hunter2",
    "/api/v1/events%3ftoken%3dhunter2",
    "/api/v1/events%26token%3Dhunter2",
    "/api/v1/events;token=hunter2",
    "/token=hunter2",
    "/api/v1/sessions/codex:a%20b",
  ])
    await app.request(`http://localhost${path}`);
  expect(paths).toEqual([
    "/api/v1/events/",
    "/api/v1/events",
    "/api/v1/events",
    "/api/v1/events",
    "/api/v1/events",
    "/api/v1/events",
    "/token",
    "/api/v1/sessions/codex:a b",
  ]);
  await store.close();
});
