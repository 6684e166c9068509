import { expect, test } from "bun:test";
import { createTestApp } from "../support/app.ts";
import { ForeignArchive } from "../support/archives.ts";
import { FakeClock } from "../support/clock.ts";
import { Workspace } from "../support/workspace.ts";

test("an internal error is reported, and the client gets no details", async () => {
  using workspace = new Workspace();
  using archive = new ForeignArchive(workspace.path("view.db")).add("a");
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const { app, store } = createTestApp(archive.path, new FakeClock(), { onError });
  store.list = () => Promise.reject(new Error("secret: hunter2"));
  const response = await app.request("http://localhost/api/v1/sessions");
  expect([response.status, await response.json(), errors.length]).toEqual([
    500,
    { error: "internal error" },
    1,
  ]);
  await store.close();
});
