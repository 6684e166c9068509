import { expect, test } from "bun:test";
import { ServerApi } from "../../src/cli/server-api.ts";

test("ServerApi.events() gives up a stream through which nothing has passed for too long", async () => {
  const encoder = new TextEncoder();
  using server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(encoder.encode("event: x\ndata: 1\n\n")),
        }),
        { headers: { "content-type": "text/event-stream" } },
      ),
  });
  const api = new ServerApi(`http://127.0.0.1:${server.port}`, new AbortController().signal, 50);
  const seen: string[] = [];
  const reading = (async () => {
    for await (const { data } of api.events("a", undefined)) seen.push(data);
  })();
  await expect(reading).rejects.toMatchObject({
    code: "server_unreachable",
    message: `cannot reach http://127.0.0.1:${server.port}: nothing came for 0.05 s`,
  });
  await reading.catch(() => undefined);
  expect(seen).toEqual(["1"]);
});
