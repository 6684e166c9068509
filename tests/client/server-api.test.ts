import { afterEach, describe, expect, test } from "bun:test";
import { ServerApi } from "../../src/client/server-api.ts";
import { systemClock } from "../../src/runtime/clock.ts";

let server: Bun.Server<undefined> | null = null;
afterEach(() => server?.stop(true));

describe("ServerApi", () => {
  test("gives up a stream that is silent for too long", async () => {
    const api = apiOf(() => streaming("event: x\ndata: 1\n\n"), { silenceMs: 50 });
    const stream = await api.stream("watch", undefined);
    const messages = stream?.[Symbol.asyncIterator]();
    expect(await messages?.next()).toMatchObject({ value: { data: "1" } });
    await expect(messages?.next()).rejects.toMatchObject({
      code: "server_unreachable",
      message: `cannot reach ${api.origin}: no data for 0.05 s`,
    });
  });

  test("gives up a server that does not answer, or stops within an answer", async () => {
    const mute = apiOf(() => new Promise<Response>(() => undefined), { answerMs: 50 });
    await expect(mute.session("a")).rejects.toMatchObject({ reason: "no data for 0.05 s" });
    const halting = apiOf(() => streaming('{"id":"a"', "application/json"), { answerMs: 50 });
    await expect(halting.session("a")).rejects.toMatchObject({ reason: "no data for 0.05 s" });
  });

  test("reads every page of a list, with its filter", async () => {
    const asked: string[] = [];
    const api = apiOf(({ url }) => {
      const { search } = new URL(url);
      asked.push(search);
      const isLast = search.includes("cursor");
      return Response.json({ sessions: [{ id: isLast ? "b" : "a" }], next_cursor: isLast ? null : "+&" });
    });
    const ids: string[] = [];
    for await (const { id } of api.sessions({ project: "x y&z" })) ids.push(id);
    expect([ids, asked]).toEqual([
      ["a", "b"],
      ["?limit=500&project=x+y%26z", "?limit=500&project=x+y%26z&cursor=%2B%26"],
    ]);
  });

  test("tells temporary from final failures, and reads the wait that a busy server asks for", async () => {
    const failureOf = async (status: number, headers: Record<string, string> = {}): Promise<unknown> =>
      apiOf(() => Response.json({ error: "why" }, { status, headers }))
        .session("a")
        .catch((error: unknown) => error);
    expect(await failureOf(503, { "retry-after": "5" })).toMatchObject({
      code: "server_unreachable",
      reason: "answered 503: why",
      retryAfterMs: 5000,
    });
    expect(await failureOf(429, { "retry-after": "Sat, 01 Jan 2028 00:00:00 GMT" })).toMatchObject({
      code: "server_unreachable",
      retryAfterMs: null,
    });
    for (const status of [400, 401, 403, 410])
      expect(await failureOf(status)).toMatchObject({ code: "server_refused" });
    expect(await failureOf(404)).toBe(null);
  });

  test("distinguishes a missing token from a wrong one", async () => {
    const refuse = (): Response => new Response(null, { status: 401 });
    await expect(apiOf(refuse).session("a")).rejects.toThrow("answered 401: it needs a token");
    await expect(apiOf(refuse, { token: "wrong" }).session("a")).rejects.toThrow(
      "answered 401: it does not accept the token",
    );
  });

  test("treats an incomplete answer as a failure, and a web page as another kind of server", async () => {
    const json = { "content-type": "application/json" };
    await expect(apiOf(() => new Response('{"id":', { headers: json })).session("a")).rejects.toMatchObject({
      code: "server_unreachable",
    });
    const html = { "content-type": "text/html" };
    await expect(apiOf(() => new Response("<p>", { headers: html })).session("a")).rejects.toMatchObject({
      code: "server_refused",
    });
  });

  test("follows redirects, but not in a loop", async () => {
    const seen: (string | null)[] = [];
    const api = apiOf(
      ({ url, headers }) => {
        seen.push(headers.get("authorization"));
        return url.endsWith("moved") ? Response.json({ id: "a" }) : Response.redirect("./moved", 307);
      },
      { token: "secret" },
    );
    expect([await api.session("a"), seen]).toEqual([
      { id: "a" },
      ["Bearer secret", "Bearer secret"],
    ] as never);
    await expect(apiOf(({ url }) => Response.redirect(url, 302)).session("a")).rejects.toMatchObject({
      code: "server_refused",
    });
  });
});

function apiOf(
  fetch: (request: Request) => Response | Promise<Response>,
  options: { answerMs?: number; silenceMs?: number; token?: string } = {},
): ServerApi {
  server?.stop(true);
  server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch });
  const { signal } = new AbortController();
  return new ServerApi(`http://127.0.0.1:${server.port}`, { signal, clock: systemClock, ...options });
}

/** A response that begins with `text` and never ends. */
function streaming(text: string, type = "text/event-stream"): Response {
  const start = (controller: ReadableStreamDefaultController<Uint8Array>): void =>
    controller.enqueue(new TextEncoder().encode(text));
  return new Response(new ReadableStream({ start }), { headers: { "content-type": type } });
}
