/** The cursor of a client that reconnects, and the id in the path. */

import { describe, expect, test } from "bun:test";
import { RawConnection } from "../../support/raw-http.ts";
import { WireStream } from "../../support/wire-stream.ts";
import type { SseServer } from "./server.ts";

export function cursorsAndIds(server: SseServer): void {
  describe("the cursor", () => {
    const STALE = "stale-0123456789";

    test.each([
      ["the header", { "Last-Event-ID": "" }, null],
      ["the header in lower case, between blanks", { "last-event-id": " \t" }, null],
      ["the parameter", {}, "current"],
      ["the header, whatever the parameter says", { "LAST-EVENT-ID": "" }, STALE],
    ] as const)("of the current state in %s: silence", async (_name, headers, parameter) => {
      const id = server.added();
      const current = await server.versionOf(id);
      const sent = Object.entries(headers).map(([name, blank]) => [name, `${blank}${current}${blank}`]);
      using stream = await server.follow(id, queryOf(parameter === "current" ? current : parameter), {
        headers: Object.fromEntries(sent),
      });
      server.archive.touch(id);
      // The first event is the change afterwards.
      expect(await stream.next()).toMatchObject({ lastEventId: await server.versionOf(id) });
      expect(stream.events.messages.length).toBe(1);
    });

    test.each([
      ["the header", STALE, null],
      ["the parameter", null, STALE],
      ["the header, whatever the parameter says", STALE, "current"],
    ])("of another state in %s: one update at once", async (_name, header, parameter) => {
      const id = server.added();
      const current = await server.versionOf(id);
      using stream = await server.follow(id, queryOf(parameter === "current" ? current : parameter), {
        headers: header === null ? {} : { "Last-Event-ID": header },
      });
      expect(await stream.next()).toEqual({ type: "session_updated", data: id, lastEventId: current });
      server.archive.touch(id);
      expect(await stream.next()).toMatchObject({ lastEventId: await server.versionOf(id) });
      expect(stream.events.messages.length).toBe(2);
    });

    test("reaches a client before its first update, so that it misses nothing", async () => {
      const id = server.added();
      const current = await server.versionOf(id);
      using first = await server.follow(id);
      expect([first.events.lastEventId, first.events.messages]).toEqual([current, []]);
      server.archive.touch(id);
      using second = await server.follow(id, "", { headers: { "Last-Event-ID": first.events.lastEventId } });
      expect((await second.next()).lastEventId).toBe(await server.versionOf(id));
    });

    test("is sent again to a client that resumes with it", async () => {
      const id = server.added();
      const current = await server.versionOf(id);
      using stream = await server.follow(id, "", { headers: { "Last-Event-ID": current } });
      // By the standard each stream begins with an empty last event ID buffer, and the first empty line makes that the
      // client's cursor.
      expect([stream.events.lastEventId, stream.events.messages]).toEqual([current, []]);
    });

    test("is the id of the last event: a client that resumes with it gets nothing twice", async () => {
      const id = server.added();
      using first = await server.follow(id);
      server.archive.touch(id);
      await first.next();
      using second = await server.follow(id, "", { headers: { "Last-Event-ID": first.events.lastEventId } });
      server.archive.touch(id);
      expect((await second.next()).lastEventId).toBe(await server.versionOf(id));
      expect(second.events.messages.length).toBe(1);
    });
  });

  describe("the id in the path", () => {
    test("may be escaped in any way", async () => {
      const id = server.added("a+b c/d~é%41");
      const everyByte = [...new TextEncoder().encode(id)].map(
        (byte) => `%${byte.toString(16).padStart(2, "0")}`,
      );
      for (const escaped of [
        encodeURIComponent(id),
        encodeURIComponent(id).replaceAll("%2B", "+"),
        encodeURIComponent(id).toLowerCase(),
        everyByte.join(""),
        everyByte.join("").toUpperCase(),
      ]) {
        using stream = await WireStream.open(server.url, `/api/v1/sessions/${escaped}/watch`);
        server.archive.touch(id);
        expect([escaped, (await stream.next()).data]).toEqual([escaped, id]);
      }
    });

    test("that is unknown, or no UTF-8, is 404 before any stream", async () => {
      using connection = await RawConnection.open(server.url);
      for (const escaped of ["nobody", "%FF", "%", "a%0d%0aX: 1"]) {
        const answer = await connection.ask(`/api/v1/sessions/${escaped.replaceAll(" ", "%20")}/watch`);
        expect([escaped, answer.status, answer.header("x")]).toEqual([escaped, 404, null]);
        expect(JSON.parse(await answer.body())).toEqual({
          error: expect.stringContaining("session not found: "),
        });
      }
    });
  });
}

function queryOf(lastEventId: string | null): string {
  return lastEventId === null ? "" : `?last_event_id=${encodeURIComponent(lastEventId)}`;
}
