/** How streams end when the server is stopped. */

import { describe, expect, test } from "bun:test";
import { serve } from "../../support/program.ts";
import { WireStream } from "../../support/wire-stream.ts";
import { pathOf } from "./server.ts";
import type { SseServer } from "./server.ts";

export function theEndOfStreams(server: SseServer): void {
  describe("a server that is stopped", () => {
    test("sends a farewell in a comment, and ends streams as HTTP does; heartbeats before that have no id", async () => {
      const id = server.added();
      const own = await serve(server.lane, server.env, ["--db", server.archive.path, "--heartbeat", "1s"]);
      await using _program = own.program;
      using modern = await WireStream.open(own.url, pathOf(id), { headers: { "Last-Event-ID": "stale" } });
      using old = await WireStream.open(own.url, pathOf(id), { version: "1.0" });
      const { lastEventId } = await modern.next();
      expect(await modern.next()).toEqual({
        type: "heartbeat",
        data: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
        // It has no id, so it leaves the cursor as it is.
        lastEventId,
      });
      own.program.kill("SIGTERM");
      // end() reads the chunk of size zero and the end of the connection, with nothing in between.
      for (const stream of [modern, old]) {
        expect((await stream.end()).length).toBe(0);
        expect(stream.text).toMatch(/\n\n: [^\n]+\n(retry: \d+\n)?\n$/);
        expect(stream.faults).toEqual([]);
      }
      expect(await own.program.exit()).toBe(0);
    });
  });
}
