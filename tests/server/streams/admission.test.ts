import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Refusal } from "../../../src/server/refusal.ts";
import { Admission } from "../../../src/server/streams/admission.ts";
import type { Lease } from "../../../src/server/streams/admission.ts";
import { clientOf } from "../../../src/server/streams/client-address.ts";
import { TestApp } from "../../support/app.ts";

const WATCH = "/api/v1/sessions/a/watch";

test.each([
  ["127.0.0.1", null],
  ["127.9.9.9", null],
  ["::1", null],
  ["::ffff:127.0.0.1", null],
  ["192.168.1.5", "192.168.1.5"],
  ["::ffff:7f00:1", null],
  ["0:0:0:0:0:0:0:1", null],
  ["::1%lo", null],
  ["::ffff:192.168.1.5", "192.168.1.5"],
  ["::ffff:c0a8:105", "192.168.1.5"],
  ["0:0:0:0:0:ffff:192.168.1.5", "192.168.1.5"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:DB8:1:2::6", "2001:db8:1:2::/64"],
  ["2001:db8::6", "2001:db8:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
])("clientOf(%j) is %j", (address, client) => {
  expect(clientOf(address)).toBe(client);
});

describe("Admission", () => {
  test("never exceeds the limit, nor a client's share, and frees every place", () => {
    const address = fc.constantFrom("10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::2", "127.0.0.1", null);
    const step = fc.oneof(
      address,
      fc.nat({ max: 20 }).map((index) => ({ index })),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const admission = new Admission({ maxStreams: 6, maxStreamsPerAddress: 2 });
        const held: { client: string | null; lease: Lease }[] = [];
        for (const step of steps) {
          if (step !== null && typeof step === "object") {
            const [gone] = held.splice(step.index, 1);
            gone?.lease.release();
            gone?.lease.release();
            continue;
          }
          const client = step === null ? null : clientOf(step);
          const share = held.filter((other) => client !== null && other.client === client).length;
          const status = held.length === 6 ? 503 : share === 2 ? 429 : 200;
          expect(statusOf(() => held.push({ client, lease: admission.admit(step) }))).toBe(status);
          expect(admission.size).toBe(held.length);
        }
        for (const { lease } of held) lease.release();
        expect(admission.size).toBe(0);
      }),
    );
  });

  test("gives one address a tenth of all places by default", () => {
    const admission = new Admission({ maxStreams: 20 });
    admission.admit("10.0.0.1");
    admission.admit("10.0.0.1");
    expect(statusOf(() => admission.admit("10.0.0.1"))).toBe(429);
    expect(statusOf(() => admission.admit("10.0.0.2"))).toBe(200);
  });
});

describe("a server that is stopping", () => {
  test("is not ready, opens no stream, and sends Retry-After", async () => {
    await using app = new TestApp();
    await using _present = await opened(app, "127.0.0.1");
    app.admission.close();
    for (const path of [WATCH, "/api/v1/watch?all=true", "/api/v1/events", "/readyz"]) {
      const { status, headers } = await app.request(path);
      expect([path, status, headers.get("retry-after")]).toEqual([path, 503, "10"]);
    }
    expect(await app.outcome(WATCH)).toEqual([503, "the server is stopping; try again later"]);
    expect([await app.outcome("/healthz"), app.admission.size]).toEqual([[200, undefined], 1]);
  });
});

describe("the place of a stream", () => {
  test("is refused with Retry-After and advice", async () => {
    await using app = new TestApp({}, { maxStreams: 2, maxStreamsPerAddress: 1 });
    await using _first = await opened(app, "10.0.0.1");
    const again = await app.request(WATCH, {}, "10.0.0.1");
    expect([again.status, again.headers.get("retry-after"), await again.json()]).toEqual([
      429,
      "10",
      {
        error:
          "your address already uses all 1 streams that one may have (--max-streams-per-address); close some, or watch many sessions on one",
      },
    ]);
    await using _second = await opened(app, "10.0.0.2");
    const full = await app.request(WATCH, {}, "10.0.0.3");
    expect([full.status, full.headers.get("retry-after"), await full.json()]).toEqual([
      503,
      "10",
      { error: "all 2 streams of this server are in use (--max-streams); try again later" },
    ]);
    expect((await app.request("/api/v1/sessions", {}, "10.0.0.3")).status).toBe(200);
  });

  test("is not needed by a method that opens no stream", async () => {
    await using app = new TestApp({}, { maxStreams: 1 });
    await using _only = await opened(app, "127.0.0.1");
    for (const [method, status] of [
      ["HEAD", 503],
      ["OPTIONS", 204],
      ["PUT", 405],
    ] as const)
      expect([method, (await app.request(WATCH, { method })).status]).toEqual([method, status]);
  });

  test("is free again after a request that opened no stream", async () => {
    await using app = new TestApp({}, { maxStreams: 1 });
    expect((await app.outcome("/api/v1/sessions/nobody/watch"))[0]).toBe(404);
    expect((await app.outcome("/api/v1/watch"))[0]).toBe(400);
    expect((await app.outcome("/api/v1/events?last_event_id=forged"))[0]).toBe(400);
    expect((await app.outcome(WATCH, { method: "PUT" }))[0]).toBe(405);
    app.store.states = () => Promise.reject(new Error("broken"));
    await app.outcome("/api/v1/sessions/b/watch");
    expect(app.admission.size).toBe(0);
  });

  test.each([WATCH, "/api/v1/watch?all=true", "/api/v1/events"])(
    "of %s is free when the stream ends",
    async (path) => {
      await using app = new TestApp({}, { maxStreams: 1 });
      const left = await app.request(path);
      expect(app.admission.size).toBe(1);
      await left.body?.cancel();
      expect(app.admission.size).toBe(0);
      await using _stopped = await opened(app, "127.0.0.1", path);
      app.streams.closeAll();
      expect(app.admission.size).toBe(0);
    },
  );
});

async function opened(app: TestApp, from: string, path = WATCH): Promise<AsyncDisposable> {
  const response = await app.request(path, {}, from);
  expect(response.status).toBe(200);
  return { [Symbol.asyncDispose]: async () => response.body?.cancel() };
}

function statusOf(admit: () => unknown): number {
  try {
    admit();
    return 200;
  } catch (error) {
    if (error instanceof Refusal) return error.status;
    throw error;
  }
}
