import { expect, test } from "bun:test";
import { TestApp } from "../../support/app.ts";

test.each([
  ["PUT", "/api/v1/sessions", "GET, HEAD, OPTIONS"],
  ["POST", "/", "GET, HEAD, OPTIONS"],
  ["DELETE", "/api/v1/sessions/a", "GET, HEAD, OPTIONS"],
  ["POST", "/api/v1/sessions/a/watch", "GET, HEAD, OPTIONS"],
  ["PUT", "/api/v1/sessions/sync", "POST, GET, HEAD, OPTIONS"],
  ["PATCH", "/healthz", "GET, HEAD, OPTIONS"],
])("%s %s is answered with 405 and the allowed methods", async (method, path, allow) => {
  await using app = new TestApp();
  const response = await app.request(path, { method });
  expect([response.status, response.headers.get("allow"), await response.json()]).toEqual([
    405,
    allow,
    { error: `${path}: ${method} is not allowed; use ${allow}` },
  ]);
});

test("OPTIONS lists the allowed methods", async () => {
  await using app = new TestApp();
  const { status, headers } = await app.request("/api/v1/sessions", { method: "OPTIONS" });
  expect([status, headers.get("allow"), headers.get("content-type")]).toEqual([
    204,
    "GET, HEAD, OPTIONS",
    null,
  ]);
});

test("HEAD is answered like GET, without a body", async () => {
  await using app = new TestApp();
  for (const path of ["/", "/api/v1/sessions", "/api/v1/sessions/a", "/api/v1/sessions/nobody"]) {
    const [get, head] = [await app.request(path), await app.request(path, { method: "HEAD" })];
    expect([head.status, head.headers.get("content-type")]).toEqual([
      get.status,
      get.headers.get("content-type"),
    ]);
    expect(await head.text()).toBe("");
  }
});

test.each(["GET", "PUT", "OPTIONS"])("%s of an unknown path stays 404", async (method) => {
  await using app = new TestApp();
  expect(await app.outcome("/nowhere", { method })).toEqual([404, `no such route: ${method} /nowhere`]);
});
