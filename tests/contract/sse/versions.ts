/** Clients of HTTP/1.0 and HTTP/1.1, and the headers that each may omit (RFC 9112). */

import { describe, expect, test } from "bun:test";
import { BINARY, DENO } from "../../support/program.ts";
import { RawConnection, requestOf } from "../../support/raw-http.ts";
import { testUnless } from "../../support/unless.ts";
import { WireStream } from "../../support/wire-stream.ts";
import { OPENING, pathOf } from "./server.ts";
import type { SseServer } from "./server.ts";

export function bothVersionsOfHttp(server: SseServer): void {
  describe("HTTP/1.0", () => {
    for (const host of ["127.0.0.1", null]) {
      const name = host === null ? "no Host" : "a Host";
      test(`with ${name}: the stream is not chunked`, async () => {
        const id = server.added();
        using stream = await server.follow(id, "", { version: "1.0", host });
        expect(stream.answer.header("transfer-encoding")).toBeNull();
        expect(stream.answer.header("content-length")).toBeNull();
        server.archive.touch(id);
        expect(await stream.next()).toMatchObject({ type: "session_updated", data: id });
        const [opening, ...frames] = stream.text.split(/(?<=\n\n)/);
        expect(opening).toMatch(OPENING);
        expect(frames).toEqual([expect.stringMatching(/^id: \S+\nevent: session_updated\ndata: \S+\n\n$/)]);
      });

      test(`with ${name}: the connection is closed after a short answer`, async () => {
        using connection = await RawConnection.open(server.url);
        const answer = await connection.ask("/healthz", { version: "1.0", host });
        expect([answer.status, answer.header("transfer-encoding")]).toEqual([200, null]);
        expect(await answer.body()).toBe('{"ok":true}');
        expect((await connection.end()).length).toBe(0);
      });
    }

    test("a stream ends with its connection, also with keep-alive", async () => {
      const id = server.added();
      using stream = await server.follow(id, "", { version: "1.0", headers: { Connection: "keep-alive" } });
      expect(stream.answer.header("transfer-encoding")).toBeNull();
      server.archive.touch(id);
      expect(await stream.next()).toMatchObject({ data: id });
      expect(stream.faults).toEqual([]);
    });
  });

  describe("HTTP/1.1", () => {
    // Deno answers as if its own address were the host (RFC 9112, section 3.2, requires 400).
    testUnless(server.lane === DENO ? "Deno answers it" : null)("without a Host is refused", async () => {
      using connection = await RawConnection.open(server.url);
      expect((await connection.ask(pathOf(server.added()), { host: null })).status).toBe(400);
    });

    // Bun uses the first one (RFC 9112, section 3.2, requires 400).
    testUnless(server.lane === BINARY ? "Bun uses the first one" : null)(
      "with two Hosts is refused",
      async () => {
        using connection = await RawConnection.open(server.url);
        expect(
          (await connection.ask(pathOf(server.added()), { headers: { Host: "localhost" } })).status,
        ).toBe(400);
      },
    );

    test("with Connection: close is answered and closed", async () => {
      using connection = await RawConnection.open(server.url);
      const answer = await connection.ask("/healthz", { headers: { Connection: "close" } });
      expect(await answer.body()).toBe('{"ok":true}');
      expect((await connection.end()).length).toBe(0);
    });

    test("may arrive byte by byte", async () => {
      const id = server.added();
      using connection = await RawConnection.open(server.url);
      for (const byte of new TextEncoder().encode(requestOf(pathOf(id))))
        await connection.send(Uint8Array.of(byte));
      using stream = await WireStream.begin(connection, await connection.answer());
      server.archive.touch(id);
      expect(await stream.next()).toMatchObject({ type: "session_updated", data: id });
    });

    test("a half-closed client is disconnected, and other clients are not affected", async () => {
      const id = server.added();
      using other = await server.follow(id);
      using connection = await RawConnection.open(server.url);
      await connection.send(requestOf(pathOf(id)));
      connection.finish();
      // Neither runtime can tell it from a client that has left; Deno does not even answer.
      await connection.end();
      server.archive.touch(id);
      expect(await other.next()).toMatchObject({ type: "session_updated", data: id });
    });
  });
}
