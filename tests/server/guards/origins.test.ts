import { describe, expect, test } from "bun:test";
import { syncing, TestApp } from "../../support/app.ts";

const ADVICE = "allow it with --cors-origin, or name the server's own address with --public-url";

describe("a request that changes something", () => {
  const publicUrl = new URL("https://watch.example/prefix/");

  test.each([
    [undefined, "localhost:7373", 200],
    ["http://localhost:7373", "localhost:7373", 200],
    ["http://localhost", "localhost:80", 200],
    ["http://localhost", "LOCALHOST", 200],
    ["https://watch.example", "watch.example", 200],
    ["https://watch.example", "127.0.0.1:7373", 200],
    ["https://app.example", "localhost:7373", 200],
    ["null", "localhost:7373", 403],
    ["", "localhost:7373", 403],
    ["http://localhost:7374", "localhost:7373", 403],
    ["https://localhost:7373", "localhost:7373", 403],
    ["http://watch.example", "127.0.0.1:7373", 403],
    ["https://watch.example:8443", "127.0.0.1:7373", 403],
    ["https://app.example.evil.example", "localhost:7373", 403],
    ["http://evil.example", "localhost:7373", 403],
  ])("from %p to Host: %s is answered with %d", async (origin, host, status) => {
    await using app = new TestApp({ publicUrl, corsOrigins: ["https://app.example"] });
    const request = syncing(origin === undefined ? { host } : { host, origin });
    expect((await app.request("/api/v1/sessions/sync", request)).status).toBe(status);
  });

  test.each(["POST", "PUT", "PATCH", "DELETE"])(
    "is refused because of its method %s, on any path",
    async (method) => {
      await using app = new TestApp();
      const outcome = await app.outcome("/nowhere", { method, headers: { origin: "https://evil.example" } });
      expect(outcome).toEqual([403, `origin not allowed: https://evil.example; ${ADVICE}`]);
    },
  );

  test("may come from any page if all origins are allowed", async () => {
    await using app = new TestApp({ corsOrigins: ["*"], token: "secret" });
    const request = syncing({ origin: "https://app.example", authorization: "Bearer secret" });
    expect((await app.request("/api/v1/sessions/sync", request)).status).toBe(200);
  });
});

describe("CORS", () => {
  const preflight = {
    method: "OPTIONS",
    headers: { origin: "https://app.example", "access-control-request-method": "GET" },
  };

  test("is off unless an origin is allowed", async () => {
    await using app = new TestApp();
    const response = await app.request("/api/v1/sessions", { headers: { origin: "https://app.example" } });
    expect(corsHeaders(response)).toEqual([]);
    expect(response.headers.get("vary")).toBe("Accept-Encoding");
    expect(response.headers.get("cross-origin-resource-policy")).toBe("same-origin");
    expect(corsHeaders(await app.request("/api/v1/sessions", preflight))).toEqual([]);
  });

  test("lets exactly the allowed origins read, without credentials", async () => {
    await using app = new TestApp({ corsOrigins: ["https://app.example", "http://localhost:5173"] });
    const get = (origin: string) => app.request("/api/v1/sessions", { headers: { origin } });
    const allowed = await get("http://localhost:5173");
    expect(allowed.headers.get("access-control-allow-origin")).toBe("http://localhost:5173");
    expect(allowed.headers.get("access-control-allow-credentials")).toBe(null);
    expect(allowed.headers.get("vary")).toContain("Origin");
    expect(allowed.headers.get("cross-origin-resource-policy")).toBe("cross-origin");
    const other = await get("https://evil.example");
    expect(other.headers.get("access-control-allow-origin")).toBe(null);
    expect(other.headers.get("vary")).toContain("Origin");
  });

  test("answers a preflight without the token, and lets a page read why it was refused", async () => {
    await using app = new TestApp({ corsOrigins: ["https://app.example"], token: "secret" });
    const { status, headers } = await app.request("/api/v1/sessions", preflight);
    expect([status, headers.get("access-control-allow-methods")]).toEqual([204, "GET,HEAD,POST"]);
    expect(headers.get("access-control-allow-headers")).toBe("Authorization,Content-Type,Last-Event-ID");
    expect(headers.get("vary")).toContain("Origin");
    const refused = await app.request("/api/v1/sessions", { headers: { origin: "https://app.example" } });
    expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([
      401,
      "https://app.example",
    ]);
  });

  test("covers streams, and does not keep them open", async () => {
    await using app = new TestApp({ corsOrigins: ["https://app.example"] });
    const stream = await app.request("/api/v1/events", { headers: { origin: "https://app.example" } });
    expect(stream.headers.get("access-control-allow-origin")).toBe("https://app.example");
    expect(app.streams.size).toBe(1);
    await stream.body?.cancel();
    expect([app.streams.size, app.admission.size]).toEqual([0, 0]);
  });
});

function corsHeaders({ headers }: Response): string[] {
  return [...headers.keys()].filter((name) => name.startsWith("access-control-"));
}
