/** The OpenAPI document as a server sends it. */

import { createTestApp, CONNECTION } from "./app.ts";
import { ForeignArchive } from "./archives.ts";
import { FakeClock } from "./clock.ts";
import { Workspace } from "./workspace.ts";

export async function openApiJson(): Promise<string> {
  using workspace = new Workspace();
  using archive = new ForeignArchive(workspace.path("view.db"));
  const { app, store } = createTestApp(archive.path, new FakeClock(), { version: "1.2.3" });
  try {
    const response = await app.request("http://localhost/openapi.json", {}, CONNECTION);
    return await response.text();
  } finally {
    await store.close();
  }
}
