import { expect, test } from "bun:test";
import { TestApp } from "../../support/app.ts";

const TOKEN = "s3cr3t-T0ken";
const MISSING = 'this server requires a token: send it as "Authorization: Bearer <token>"';
const WRONG = 'this is not the token of this server: send it as "Authorization: Bearer <token>"';
const OR_QUERY = ", or as ?token=<token>";
const STREAMS = ["/api/v1/sessions/a/watch", "/api/v1/watch?all=true", "/api/v1/events"];

test("token: only health checks and the page work without it", async () => {
  await using app = new TestApp({ token: TOKEN });
  for (const path of ["/", "/healthz", "/readyz"]) expect((await app.outcome(path))[0]).toBe(200);
  for (const path of [
    "/api/ping",
    "/api/v1/sessions",
    "/api/v1/sessions/a",
    "/nowhere",
    "//",
    "/%2e/healthz/",
  ])
    expect([path, await app.outcome(path)]).toEqual([path, [401, MISSING]]);
  for (const path of STREAMS) expect(await app.outcome(path)).toEqual([401, `${MISSING}${OR_QUERY}`]);
  for (const method of ["HEAD", "OPTIONS", "PUT", "POST"])
    expect((await app.request("/api/v1/sessions", { method })).status).toBe(401);
  expect(app.admission.size).toBe(0);
});

test.each([
  ["Bearer s3cr3t-T0ken", 200],
  ["bearer s3cr3t-T0ken", 200],
  ["Bearer   s3cr3t-T0ken", 200],
  ["Bearer s3cr3t-T0keN", 401],
  ["Bearer s3cr3t-T0ken2", 401],
  ["Bearer s3cr3t-T0ke", 401],
  ["Bearer", 401],
  ["Bearer a b", 401],
  ["Basic s3cr3t-T0ken", 401],
  ["s3cr3t-T0ken", 401],
])("token: Authorization: %s is answered with %d", async (authorization, status) => {
  await using app = new TestApp({ token: TOKEN });
  for (const path of ["/api/v1/sessions", ...STREAMS]) {
    const response = await app.request(path, { headers: { authorization } });
    await response.body?.cancel();
    expect(response.status).toBe(status);
  }
});

test("token: in the URL it opens streams and nothing else", async () => {
  await using app = new TestApp({ token: TOKEN });
  const at = (path: string, token = TOKEN) => `${path}${path.includes("?") ? "&" : "?"}token=${token}`;
  for (const path of STREAMS) {
    expect((await app.outcome(at(path)))[0]).toBe(200);
    expect(await app.outcome(at(path, "wrong"))).toEqual([401, `${WRONG}${OR_QUERY}`]);
  }
  for (const path of ["/api/v1/sessions", "/api/v1/sessions/a", "/api/ping", "/api/v1/sessions/a/messages"])
    expect(await app.outcome(at(path))).toEqual([401, MISSING]);
  expect((await app.outcome(at("/api/v1/sessions/nobody/watch")))[0]).toBe(404);
  // A token in the header takes precedence; other schemes are meant for a proxy.
  for (const [authorization, status] of [
    ["Bearer wrong", 401],
    ["Bearer", 401],
    ["Basic dXNlcjpwYXNzd29yZA==", 200],
  ] as const)
    expect((await app.outcome(at("/api/v1/events"), { headers: { authorization } }))[0]).toBe(status);
});

test("token: a refusal says what to send, has a challenge, and never contains the token", async () => {
  await using app = new TestApp({ token: TOKEN });
  const missing = await app.request("/api/v1/sessions");
  expect(missing.headers.get("www-authenticate")).toBe('Bearer realm="sessionwatch"');
  const headers = { authorization: "Bearer wrong" };
  const wrong = await app.request("/api/v1/sessions", { headers });
  expect(wrong.headers.get("www-authenticate")).toBe('Bearer realm="sessionwatch", error="invalid_token"');
  for (const response of [missing, wrong])
    expect(`${JSON.stringify([...response.headers])}${await response.text()}`).not.toContain(TOKEN);
});

test("token: a server without one ignores any that is sent", async () => {
  await using app = new TestApp();
  const headers = { authorization: "Bearer whatever" };
  expect((await app.outcome("/api/v1/sessions", { headers }))[0]).toBe(200);
});
