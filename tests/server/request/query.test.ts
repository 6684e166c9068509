import { describe, expect, test } from "bun:test";
import { AGENTSVIEW_LIST_PARAMETERS } from "../../../src/server/request/agentsview-parameters.ts";
import { TestApp } from "../../support/app.ts";

describe("a parameter that a route does not have", () => {
  test.each([
    ["/api/v1/sessions?projct=demo", "projct: unknown parameter; did you mean project?"],
    ["/api/v1/sessions?Limit=1", "Limit: unknown parameter; did you mean limit?"],
    ["/api/v1/sessions?activeSince=x", "activeSince: unknown parameter; did you mean active_since?"],
    ["/api/v1/sessions/a/messages?form=1", "form: unknown parameter; did you mean from?"],
    [
      "/api/v1/sessions/a/watch?last-event-id=x",
      "last-event-id: unknown parameter; did you mean last_event_id?",
    ],
    ["/api/v1/sessions/a?expnad=1", "expnad: unknown parameter; this route takes none"],
    ["/api/v1/watch?sessions=a", "sessions: unknown parameter; did you mean session?"],
    ["/api/v1/watch?all=true&machin=x", "machin: unknown parameter; did you mean machine?"],
    ["/api/v1/events?lastEventId=x", "lastEventId: unknown parameter; did you mean last_event_id?"],
    ["/api/v1/events?q=x", "q: unknown parameter; this route takes last_event_id"],
  ])("%s is refused with the nearest one", async (path, error) => {
    await using app = new TestApp();
    expect(await app.outcome(path)).toEqual([400, error]);
  });

  test("is accepted if agentsview's clients are known to send it, and has no effect", async () => {
    await using app = new TestApp();
    const plain = await (await app.request("/api/v1/sessions")).json();
    for (const name of AGENTSVIEW_LIST_PARAMETERS) {
      const response = await app.request(`/api/v1/sessions?${name}=x`);
      expect([name, response.status, await response.json()]).toEqual([name, 200, plain]);
    }
  });

  test("is accepted outside of the API: probes and browsers add their own", async () => {
    await using app = new TestApp();
    for (const path of ["/healthz?probe=1", "/?from=bookmark"])
      expect([path, (await app.outcome(path))[0]]).toEqual([path, 200]);
  });
});

test("the token may be in the URL of a stream also where the server has none", async () => {
  await using app = new TestApp();
  for (const path of [
    "/api/v1/events?token=x",
    "/api/v1/watch?all=true&token=x",
    "/api/v1/sessions/a/watch?token=x",
  ])
    expect([path, (await app.outcome(path))[0]]).toEqual([path, 200]);
});

test("a stray separator is no parameter, and of a repeated one the first value counts", async () => {
  await using app = new TestApp();
  for (const path of ["/api/v1/sessions?&=x&limit=1", "/api/v1/sessions?limit=1&limit=none"])
    expect([path, (await app.outcome(path))[0]]).toEqual([path, 200]);
});
