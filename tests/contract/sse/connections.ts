/** HEAD, reused connections, and methods that streams do not have (RFC 9110). */

import { describe, expect, test } from "bun:test";
import { BINARY } from "../../support/program.ts";
import { RawConnection, requestOf } from "../../support/raw-http.ts";
import type { RequestOptions } from "../../support/raw-http.ts";
import { testUnless } from "../../support/unless.ts";
import { WireStream } from "../../support/wire-stream.ts";
import { pathOf } from "./server.ts";
import type { SseServer } from "./server.ts";

export function connectionsAndMethods(server: SseServer): void {
  describe("HEAD", () => {
    test("has the head of the stream and no body", async () => {
      const id = server.added();
      using stream = await server.follow(id);
      using connection = await RawConnection.open(server.url);
      const answer = await connection.ask(pathOf(id), { method: "HEAD" });
      expect(answer.status).toBe(200);
      for (const name of ["content-type", "cache-control", "x-accel-buffering", "content-encoding"])
        expect([name, answer.header(name)]).toEqual([name, stream.answer.header(name)]);
      // A client would take a body for the next answer.
      expect((await connection.ask("/healthz")).status).toBe(200);
    });

    test("has no Content-Length for a stream, like GET", async () => {
      using connection = await RawConnection.open(server.url);
      const answer = await connection.ask(pathOf(server.added()), { method: "HEAD" });
      // RFC 9110, section 8.6: only what GET would send.
      expect(answer.header("content-length")).toBeNull();
    });

    test("of a short answer has the Content-Length of GET, or none", async () => {
      using connection = await RawConnection.open(server.url);
      for (const [target, status, length] of [
        ["/healthz", 200, '{"ok":true}'.length],
        [pathOf("nobody"), 404, '{"error":"session not found: nobody"}'.length],
      ] as const) {
        const answer = await connection.ask(target, { method: "HEAD" });
        expect(answer.status).toBe(status);
        expect([target, answer.header("content-length") ?? String(length)]).toEqual([target, String(length)]);
      }
    });
  });

  describe("a connection", () => {
    const before: [name: string, target: string, options: RequestOptions, status: number][] = [
      ["a 404", pathOf("nobody"), {}, 404],
      ["a 400", `${pathOf("nobody")}?data=xml`, {}, 400],
      ["HEAD of a 404", pathOf("nobody"), { method: "HEAD" }, 404],
      ["a route of JSON", "/api/v1/sessions?limit=1", {}, 200],
      ["the page", "/", {}, 200],
    ];
    test.each(before)("can be used for a stream after %s", async (_name, target, options, status) => {
      const id = server.added();
      using connection = await RawConnection.open(server.url);
      for (const _again of [1, 2]) {
        const answer = await connection.ask(target, options);
        await answer.body();
        expect(answer.status).toBe(status);
      }
      using stream = await WireStream.begin(connection, await connection.ask(pathOf(id)));
      server.archive.touch(id);
      expect(await stream.next()).toMatchObject({ type: "session_updated", data: id });
    });

    test("can be used for a stream after HEAD of the same", async () => {
      const id = server.added();
      using connection = await RawConnection.open(server.url);
      expect((await connection.ask(pathOf(id), { method: "HEAD" })).status).toBe(200);
      using stream = await WireStream.begin(connection, await connection.ask(pathOf(id)));
      server.archive.touch(id);
      expect(await stream.next()).toMatchObject({ type: "session_updated", data: id });
    });

    test("answers pipelined requests in order", async () => {
      const id = server.added();
      using connection = await RawConnection.open(server.url);
      const together: RequestOptions[] = [{}, { method: "HEAD" }, {}];
      const targets = ["/healthz", pathOf("nobody"), pathOf("nobody")];
      const requests = together.map((options, index) => requestOf(targets[index] ?? "", options));
      await connection.send(requests.join("") + requestOf(pathOf(id)));
      const statuses: number[] = [];
      for (const options of together) {
        const answer = await connection.answer(options);
        await answer.body();
        statuses.push(answer.status);
      }
      expect(statuses).toEqual([200, 404, 404]);
      using stream = await WireStream.begin(connection, await connection.answer());
      server.archive.touch(id);
      expect(await stream.next()).toMatchObject({ type: "session_updated", data: id });
    });

    test("carries no second answer inside a stream", async () => {
      const id = server.added();
      using connection = await RawConnection.open(server.url);
      await connection.send(requestOf(pathOf(id)) + requestOf("/healthz"));
      using stream = await WireStream.begin(connection, await connection.answer());
      server.archive.touch(id);
      const seen = await stream.next().then(
        ({ type }) => type,
        ({ message }: Error) => message,
      );
      // Deno lets the second request wait; Bun closes the connection, which a server may, and the client resumes.
      expect(seen).toMatch(/^(session_updated$|the connection has ended)/);
      expect(stream.faults).toEqual([]);
    });
  });

  describe("another method on a stream's route", () => {
    test.each(["POST", "PUT", "PATCH", "DELETE"])(
      "%s is refused with the allowed methods",
      async (method) => {
        const id = server.added();
        using connection = await RawConnection.open(server.url);
        const answer = await connection.ask(pathOf(id), { method, body: '{"a":1}' });
        expect(answer.status).toBe(405);
        expect(answer.header("allow")?.split(/, */)).toEqual(expect.arrayContaining(["GET", "HEAD"]));
        expect(answer.header("content-type")).toStartWith("application/json");
        expect(JSON.parse(await answer.body())).toEqual({ error: expect.any(String) });
        // The server must read its body, or it would take it for the next request.
        expect((await connection.ask("/healthz")).status).toBe(200);
      },
    );

    // Bun closes the connection on an unknown method, without an answer.
    testUnless(server.lane === BINARY ? "Bun closes the connection" : null)(
      "an unknown one is refused",
      async () => {
        using connection = await RawConnection.open(server.url);
        const { status } = await connection.ask(pathOf(server.added()), { method: "BREW" });
        expect([405, 501]).toContain(status);
      },
    );
  });
}
