/** The content of a stream, whatever the id of the session. */

import { describe, expect, test } from "bun:test";
import { DENO } from "../../support/program.ts";
import { HOSTILE_IDS } from "../store.ts";
import type { SseServer } from "./server.ts";

/** Ids that break lines of text in other ways. */
const MORE_HOSTILE_IDS = [
  "lone\rreturn",
  "\r\n\r\nid: 9\r\nretry: 1\r\n\r\n",
  "\nat both ends\n",
  "\r",
  ": comment",
  " leading and trailing ",
  "retry: 1",
  "\uFEFFmark",
  "\u0085\v\f",
  "family 👩‍👩‍👧‍👦",
  "🦀".repeat(1000),
];

export function theBodiesOfStreams(server: SseServer): void {
  describe("the body of a stream", () => {
    test("contains only whole events, from the first byte to the last", async () => {
      const id = server.added();
      for (const form of ["id", "json"]) {
        using stream = await server.follow(id, `?data=${form}`);
        server.archive.touch(id);
        expect(await stream.next()).toMatchObject({
          type: "session_updated",
          lastEventId: await server.versionOf(id),
        });
        server.archive.touch(id);
        expect(await stream.next()).toMatchObject({
          type: "session_updated",
          lastEventId: await server.versionOf(id),
        });
        expect(stream.text.charCodeAt(0)).toBe(":".charCodeAt(0));
        expect(stream.faults).toEqual([]);
        // A proxy may hold back an event that is cut between two chunks.
        for (const chunk of stream.chunks) expect(Buffer.from(chunk).toString()).toEndWith("\n\n");
      }
    });

    test("carries a deletion as an event", async () => {
      const id = server.added();
      using stream = await server.follow(id);
      server.archive.db.prepare("DELETE FROM sessions WHERE id = ?").run(id);
      expect(await stream.next()).toEqual({ type: "session_deleted", data: id, lastEventId: "deleted" });
      expect(stream.faults).toEqual([]);
    });

    // Deno's node:sqlite ends text at a NUL.
    const ids = [...HOSTILE_IDS, ...MORE_HOSTILE_IDS].filter(
      (id) => server.lane !== DENO || !id.includes("\0"),
    );
    test.each(ids.map((id) => [[...JSON.stringify(id)].slice(0, 40).join(""), id] as const))(
      "carries the id %s, and nothing breaks",
      async (_name, id) => {
        server.added(id);
        using bare = await server.follow(id);
        using json = await server.follow(id, "?data=json");
        for (const round of [1, 2]) {
          server.archive.touch(id);
          const lastEventId = await server.versionOf(id);
          // By the standard, every line end inside the data arrives as LF.
          const data = id.replaceAll(/\r\n|\r/g, "\n");
          expect(await bare.next()).toEqual({ type: "session_updated", data, lastEventId });
          const message = await json.next();
          expect(message).toMatchObject({ type: "session_updated", lastEventId });
          expect(JSON.parse(message.data)).toMatchObject({ event: "session_updated", data: id });
          for (const { events, faults } of [bare, json]) {
            expect([events.messages.length, events.reconnectionTimeMs, faults]).toEqual([round, 3000, []]);
            expect(events.comments).toEqual([" ok"]);
          }
        }
      },
    );

    test("is UTF-8, and never cut inside a character", async () => {
      const id = server.added("é会🦀".repeat(400));
      using stream = await server.follow(id);
      server.archive.touch(id);
      expect((await stream.next()).data).toBe(id);
      const strict = new TextDecoder("utf-8", { fatal: true });
      for (const chunk of stream.chunks) expect(() => strict.decode(chunk)).not.toThrow();
    });
  });
}
