import { expect, test } from "bun:test";
import type { Access } from "../../../src/server/guards/guards.ts";
import { TestApp } from "../../support/app.ts";

const STREAMS = ["/api/v1/sessions/a/watch", "/api/v1/watch?all=true", "/api/v1/events"];

test.each(STREAMS)("%s treats an empty last event id as none", async (path) => {
  await using app = new TestApp();
  const expected = await begin(app, path);
  const inQuery = `${path}${path.includes("?") ? "&" : "?"}last_event_id=`;
  expect(await begin(app, inQuery)).toBe(expected);
  const headers = { "last-event-id": "" };
  expect(await begin(app, path, { headers })).toBe(expected);
  expect(await begin(app, inQuery, { headers })).toBe(expected);
});

test.each(STREAMS)("%s names the headers that its format depends on", async (path) => {
  const varyFor = async (access: Partial<Access>): Promise<string | null> => {
    await using app = new TestApp(access);
    const { headers, body } = await app.request(path);
    await body?.cancel();
    return headers.get("vary");
  };
  expect(await varyFor({})).toBe("Accept");
  expect(await varyFor({ corsOrigins: ["https://app.example"] })).toBe("Accept, Origin");
});

/** @returns the first bytes of a stream. */
async function begin(app: TestApp, path: string, init: RequestInit = {}): Promise<string> {
  const response = await app.request(path, init);
  expect([path, response.status]).toEqual([path, 200]);
  const reader = response.body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  await reader?.cancel();
  return new TextDecoder().decode(value);
}
