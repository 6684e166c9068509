import { describe, expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { TestApp } from "../support/app.ts";

const GZIP = { "accept-encoding": "gzip, br" };

describe("JSON", () => {
  test.each(["/api/v1/sessions", "/api/v1/sessions/a", "/openapi.json", "/nowhere"])(
    "%s is compressed for a client that accepts it, and for no other",
    async (path) => {
      await using app = new TestApp();
      const plain = await app.request(path);
      const packed = await app.request(path, { headers: GZIP });
      expect([plain.headers.get("content-encoding"), packed.headers.get("content-encoding")]).toEqual([
        null,
        "gzip",
      ]);
      for (const { headers } of [plain, packed]) expect(headers.get("vary")).toContain("Accept-Encoding");
      expect(packed.status).toBe(plain.status);
      expect(gunzipSync(await packed.arrayBuffer()).toString()).toBe(await plain.text());
    },
  );
});

describe("a stream", () => {
  test.each(["/api/v1/sessions/a/watch", "/api/v1/watch?all=true", "/api/v1/events"])(
    "%s is never compressed: an event must not wait for a full block",
    async (path) => {
      await using app = new TestApp();
      for (const accept of ["text/event-stream", "application/x-ndjson"]) {
        const { headers, body } = await app.request(path, { headers: { ...GZIP, accept } });
        await body?.cancel();
        expect([headers.get("content-type"), headers.get("content-encoding")]).toEqual([accept, null]);
      }
    },
  );
});

describe("a file of the page", () => {
  test("keeps its ETag and is not sent again", async () => {
    await using app = new TestApp();
    const first = await app.request("/page/main.js", { headers: GZIP });
    const etag = first.headers.get("etag") ?? "";
    expect([first.status, first.headers.get("content-encoding"), etag]).toEqual([
      200,
      null,
      expect.stringMatching(/^"[^"]+"$/),
    ]);
    const again = await app.request("/page/main.js", { headers: { ...GZIP, "if-none-match": etag } });
    expect([again.status, again.headers.get("etag"), await again.text()]).toEqual([304, etag, ""]);
  });
});
