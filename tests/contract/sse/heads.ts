/** What the streams of all routes have in common. */

import { describe, expect, test } from "bun:test";
import { RawConnection } from "../../support/raw-http.ts";
import { WireStream } from "../../support/wire-stream.ts";
import { OPENING, pathOf } from "./server.ts";
import type { SseServer } from "./server.ts";

export function theHeadsOfStreams(server: SseServer): void {
  describe.each([
    ["one session", pathOf],
    ["some sessions", (id: string) => `/api/v1/watch?session=${id}`],
    ["all sessions", () => "/api/v1/watch?all=true"],
    ["whatever has changed", () => "/api/v1/events"],
  ] as const)("the stream of %s", (_name, targetOf) => {
    test("has the headers of an event stream, and is neither cached, transformed, compressed nor measured", async () => {
      const headers = { "Accept-Encoding": "gzip, br, zstd" };
      using stream = await WireStream.open(server.url, targetOf(server.added()), { headers });
      const { answer } = stream;
      expect([answer.httpVersion, answer.status]).toEqual(["1.1", 200]);
      expect(answer.header("content-type")).toBe("text/event-stream");
      expect(answer.header("cache-control")).toBe("no-cache, no-transform");
      expect(answer.header("x-accel-buffering")).toBe("no");
      expect(answer.header("content-encoding")).toBeNull();
      expect(answer.header("content-length")).toBeNull();
    });

    test("is chunked and keeps the connection alive for proxies", async () => {
      using stream = await WireStream.open(server.url, targetOf(server.added()));
      expect(stream.answer.header("transfer-encoding")).toBe("chunked");
      expect(stream.answer.header("connection")?.toLowerCase() ?? "keep-alive").toBe("keep-alive");
    });

    test("has no duplicate header fields", async () => {
      using stream = await WireStream.open(server.url, targetOf(server.added()));
      const names = stream.answer.fields.map(([name]) => name.toLowerCase());
      expect(names).toEqual([...new Set(names)]);
    });

    test("begins at once, in one chunk", async () => {
      using stream = await WireStream.open(server.url, targetOf(server.added()));
      expect(stream.text).toMatch(OPENING);
      expect(stream.chunks.length).toBe(1);
      expect(stream.events.reconnectionTimeMs).toBe(3000);
      expect(stream.events.messages).toEqual([]);
      // Clients such as python's httpx-sse report a block that has an id and no event as an empty message.
      expect(stream.opening).toMatchObject({ type: "heartbeat", lastEventId: expect.stringMatching(/./) });
    });

    test("contains only whole events", async () => {
      const id = server.added();
      using stream = await WireStream.open(server.url, targetOf(id));
      server.archive.touch(id);
      expect(await stream.next()).toMatchObject({ lastEventId: expect.stringMatching(/./) });
      expect(stream.faults).toEqual([]);
      for (const chunk of stream.chunks) expect(Buffer.from(chunk).toString()).toEndWith("\n\n");
    });

    test("is answered to HEAD without a body", async () => {
      const target = targetOf(server.added());
      using connection = await RawConnection.open(server.url);
      expect((await connection.ask(target, { method: "HEAD" })).status).toBe(200);
      using stream = await WireStream.begin(connection, await connection.ask(target));
      expect(stream.text).toMatch(OPENING);
    });
  });
}
