/** Streams of many sessions, and streams as lines. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { ForeignArchive } from "../support/archives.ts";
import { LANES, serve } from "../support/program.ts";
import type { Program } from "../support/program.ts";
import { LineClient, SseClient } from "../support/stream-clients.ts";
import { Workspace } from "../support/workspace.ts";

for (const lane of LANES) {
  describe(`watch serve (${lane.name})`, () => {
    let workspace: Workspace;
    let archive: ForeignArchive;
    let program: Program;
    let url: string;

    beforeEach(async () => {
      workspace = new Workspace();
      archive = new ForeignArchive(workspace.path("view.db")).add("a").add("b").add("c", "other");
      ({ program, url } = await serve(lane, workspace.env, ["--db", archive.path]));
    });
    afterEach(async () => {
      await program[Symbol.asyncDispose]();
      archive[Symbol.dispose]();
      workspace[Symbol.dispose]();
    });

    test("/api/v1/watch follows all sessions, including those that start later, with JSON as data", async () => {
      await using client = await SseClient.open(`${url}/api/v1/watch?all=true`);
      const place = /^: ok\nretry: 3000\nid: ([\w-]+)\.(\d+)\nevent: heartbeat\ndata: \S+Z$/.exec(
        await client.frame(),
      );
      archive.touch("b");
      const update = await client.event();
      expect(update).toMatchObject({
        event: "session_updated",
        id: `${place?.[1]}.${Number(place?.[2]) + 1}`,
      });
      expect(JSON.parse(update.data)).toMatchObject({
        event: "session_updated",
        data: "b",
        message_count: 2,
      });
      archive.add("later");
      expect(JSON.parse((await client.event()).data)).toMatchObject({ data: "later", message_count: 1 });
      archive.db.exec("DELETE FROM sessions WHERE id = 'a'");
      expect(JSON.parse((await client.event()).data)).toMatchObject({ event: "session_deleted", data: "a" });
    });

    test("/api/v1/watch follows named sessions, or those that match a filter", async () => {
      await using some = await SseClient.open(`${url}/api/v1/watch?session=a&session=c`);
      await using filtered = await SseClient.open(`${url}/api/v1/watch?project=other`);
      for (const client of [some, filtered]) await client.frame();
      for (const id of ["b", "a", "c"]) archive.touch(id);
      const heard = [JSON.parse((await some.event()).data), JSON.parse((await some.event()).data)];
      expect(heard.map(({ data }) => data).toSorted()).toEqual(["a", "c"]);
      expect(JSON.parse((await filtered.event()).data)).toMatchObject({ data: "c" });
    });

    test("/api/v1/watch says what would be right", async () => {
      const answers: [query: string, status: number, error: RegExp][] = [
        ["", 400, /name what to watch: session=<id>/],
        ["?session=a&all=true", 400, /either session=<id> or all=true/],
        ["?all=maybe", 400, /all: use true/],
        ["?all=true&last_event_id=x", 400, /last_event_id: not one that this server gave/],
        ["?session=a&session=nobody", 404, /^session not found: nobody$/],
      ];
      for (const [query, status, error] of answers) {
        const response = await fetch(`${url}/api/v1/watch${query}`);
        const body = (await response.json()) as { error: string };
        expect([query, response.status, error.test(body.error)]).toEqual([query, status, true]);
      }
    });

    test("/api/v1/watch resumes from its id; with an id of another server process it sends one reset", async () => {
      const first = await SseClient.open(`${url}/api/v1/watch?all=true`);
      await first.frame();
      archive.touch("a");
      const { id = "" } = await first.event();
      await first[Symbol.asyncDispose]();
      archive.touch("c").touch("c");
      await using second = await SseClient.open(`${url}/api/v1/watch?all=true`, { "last-event-id": id });
      expect(await second.frame()).toContain(`\nid: ${id}\nevent: heartbeat\n`);
      expect(JSON.parse((await second.event()).data)).toMatchObject({ data: "c", message_count: 3 });

      await using stranger = await SseClient.open(`${url}/api/v1/watch?all=true&last_event_id=another.5`);
      await stranger.frame();
      const reset = await stranger.event();
      expect(reset).toMatchObject({ event: "reset" });
      expect(reset.id?.split(".")[0]).toBe(id.split(".")[0] ?? "");
      archive.touch("b");
      expect(JSON.parse((await stranger.event()).data)).toMatchObject({ data: "b" });
    });

    test("/api/v1/events sends the scope of each change", async () => {
      await using client = await SseClient.open(`${url}/api/v1/events`);
      await client.frame();
      archive.touch("a");
      expect(await client.event()).toMatchObject({ event: "data_changed", data: '{"scope":"messages"}' });
      archive.add("later");
      expect(await client.event()).toMatchObject({ event: "data_changed", data: '{"scope":"sessions"}' });
    });

    test("sends lines of JSON to clients that accept them", async () => {
      const accept = { accept: "application/x-ndjson" };
      await using one = await LineClient.open(`${url}/api/v1/sessions/a/watch`, accept);
      await using many = await LineClient.open(`${url}/api/v1/watch?all=true`, accept);
      await using scopes = await LineClient.open(`${url}/api/v1/events`, accept);
      for (const client of [one, many, scopes]) {
        expect(client.response.headers.get("content-type")).toBe("application/x-ndjson");
        expect(await client.json()).toMatchObject({ event: "heartbeat" });
      }
      archive.touch("a");
      const update = { event: "session_updated", data: "a", message_count: 2 };
      const line = await one.json();
      expect(line).toMatchObject(update);
      expect(Object.keys(line)).toEqual(["event", "data", "version", "message_count", "at", "cursor"]);
      expect(line["cursor"]).toBe(line["version"]);
      expect(await many.json()).toMatchObject({ ...update, cursor: expect.stringMatching(/^[\w-]+\.\d+$/) });
      expect(await scopes.json()).toMatchObject({ event: "data_changed", data: { scope: "messages" } });
    });
  });
}
