/** Clients of HTTP/1.0 and HTTP/1.1, and what each may leave out (RFC 9112). */

import { describe, expect, test } from "bun:test";
import { BINARY, DENO } from "../../support/program.ts";
import { RawConnection, requestOf } from "../../support/raw-http.ts";
import { WireStream } from "../../support/wire-stream.ts";
import { OPENING, pathOf } from "./server.ts";
import type { SseServer } from "./server.ts";

export function bothVersionsOfHttp(server: SseServer): void {
  describe("HTTP/1.0", () => {
    for (const host of ["127.0.0.1", null]) {
      const name = host === null ? "no Host" : "a Host";
      test(`with ${name}: the stream comes without chunk sizes`, async () => {
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

      test(`with ${name}: a short answer is followed by the end of the connection`, async () => {
        using connection = await RawConnection.open(server.url);
        const answer = await connection.ask("/healthz", { version: "1.0", host });
        expect([answer.status, answer.header("transfer-encoding")]).toEqual([200, null]);
        expect(await answer.body()).toBe('{"ok":true}');
        expect((await connection.end()).length).toBe(0);
      });
    }

    test("keep-alive changes nothing about a stream: its end is the connection's", async () => {
      const id = server.added();
      using stream = await server.follow(id, "", { version: "1.0", headers: { Connection: "keep-alive" } });
      expect(stream.answer.header("transfer-encoding")).toBeNull();
      server.archive.touch(id);
      expect(await stream.next()).toMatchObject({ data: id });
      expect(stream.faults).toEqual([]);
    });
  });

  describe("HTTP/1.1", () => {
    // Deno answers as if its own address had been named (RFC 9112, section 3.2, asks for 400).
    test.skipIf(server.lane === DENO)("without a Host is refused", async () => {
      using connection = await RawConnection.open(server.url);
      expect((await connection.ask(pathOf(server.added()), { host: null })).status).toBe(400);
    });

    // Bun takes the first of them and goes on (RFC 9112, section 3.2, asks for 400).
    test.skipIf(server.lane === BINARY)("with two Hosts is refused", async () => {
      using connection = await RawConnection.open(server.url);
      expect((await connection.ask(pathOf(server.added()), { headers: { Host: "localhost" } })).status).toBe(
        400,
      );
    });

    test("with Connection: close is answered and closed", async () => {
      using connection = await RawConnection.open(server.url);
      const answer = await connection.ask("/healthz", { headers: { Connection: "close" } });
      expect(await answer.body()).toBe('{"ok":true}');
      expect((await connection.end()).length).toBe(0);
    });

    test("may come in as many segments as it has bytes", async () => {
      const id = server.added();
      using connection = await RawConnection.open(server.url);
      for (const byte of new TextEncoder().encode(requestOf(pathOf(id))))
        await connection.send(Uint8Array.of(byte));
      using stream = await WireStream.begin(connection, await connection.answer());
      server.archive.touch(id);
      expect(await stream.next()).toMatchObject({ type: "session_updated", data: id });
    });

    test("a client that has nothing more to send is let go, and nobody else notices", async () => {
      const id = server.added();
      using other = await server.follow(id);
      using connection = await RawConnection.open(server.url);
      await connection.send(requestOf(pathOf(id)));
      connection.finish();
      // Neither runtime can tell it from one that has gone; Deno does not even answer.
      await connection.end();
      server.archive.touch(id);
      expect(await other.next()).toMatchObject({ type: "session_updated", data: id });
    });
  });
}
