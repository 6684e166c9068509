import { expect, test } from "bun:test";
import { TestApp } from "../../support/app.ts";

test.each([
  ["/", 200, {}],
  ["/healthz", 200, {}],
  ["/nowhere", 404, {}],
  ["/api/v1/sessions/nobody/watch", 404, {}],
  ["/api/v1/events", 200, {}],
  ["/api/v1/sessions", 405, { method: "PUT" }],
  ["/api/v1/sessions", 403, { headers: { host: "evil.example" } }],
] as const)("every answer has the security headers: %s (%d)", async (path, status, init) => {
  await using app = new TestApp();
  const response = await app.request(path, init);
  await response.body?.cancel();
  expect(response.status).toBe(status);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
  });
});

test("JSON is not stored; streams have their own cache headers", async () => {
  await using app = new TestApp();
  const cacheControl = async (path: string): Promise<string | null> => {
    const response = await app.request(path);
    await response.body?.cancel();
    return response.headers.get("cache-control");
  };
  expect(await cacheControl("/api/v1/sessions")).toBe("no-store");
  expect(await cacheControl("/nowhere")).toBe("no-store");
  expect(await cacheControl("/api/v1/events")).toBe("no-cache, no-transform");
});
