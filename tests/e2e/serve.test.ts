/** `watch serve` over the network, in every lane. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { renameSync } from "node:fs";
import { connect } from "node:net";
import { HOSTILE_IDS } from "../contract/store.ts";
import { ForeignArchive } from "../support/archives.ts";
import { ClaudeTranscript } from "../support/claude.ts";
import { BINARY, LANES, listed, Program, serve, until, within } from "../support/program.ts";
import { SseClient } from "../support/stream-clients.ts";
import { Workspace } from "../support/workspace.ts";

let workspace: Workspace;

beforeEach(() => {
  workspace = new Workspace();
});
afterEach(() => workspace[Symbol.dispose]());

describe.each(LANES)("watch serve ($name)", (lane) => {
  const start = (...args: string[]): ReturnType<typeof serve> => serve(lane, workspace.env, args);

  test("streams a session with the frames and headers of the contract", async () => {
    const transcript = new ClaudeTranscript(workspace.claude).user("hello");
    const { program, url } = await start();
    await using _program = program;
    await listed(url, transcript.id);
    await using client = await SseClient.open(`${url}/api/v1/sessions/${transcript.id}/watch`);
    const { status, headers } = client.response;
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("text/event-stream");
    expect(headers.get("cache-control")).toBe("no-cache, no-transform");
    expect(headers.get("x-accel-buffering")).toBe("no");
    expect(await client.frame()).toMatch(/^: ok\nretry: 3000\nid: [\w-]{16}\nevent: heartbeat\ndata: \S+Z$/);
    transcript.assistant("hi");
    expect(await client.frame()).toMatch(
      new RegExp(`^id: [\\w-]{16}\nevent: session_updated\ndata: ${transcript.id}$`),
    );
  });

  test("imports existing sessions, new lines, and sessions that start later", async () => {
    const early = new ClaudeTranscript(workspace.claude, "early").user("one");
    const { program, url } = await start();
    await using _program = program;
    await listed(url, early.id);
    const late = new ClaudeTranscript(workspace.claude, "late", "-another-folder").user("two");
    await listed(url, late.id);
    await using client = await SseClient.open(`${url}/api/v1/sessions/late/watch?data=json`);
    late.assistant("three");
    const { event, data } = await client.event();
    expect([event, JSON.parse(data)]).toEqual([
      "session_updated",
      expect.objectContaining({ message_count: 2 }),
    ]);
  });

  test("fault 5: a client that reconnects with its last event id gets what it missed, and nothing else", async () => {
    const transcript = new ClaudeTranscript(workspace.claude).user("hello");
    const first = await start();
    await listed(first.url, transcript.id);
    const path = `/api/v1/sessions/${transcript.id}/watch`;
    const client = await SseClient.open(first.url + path);
    transcript.assistant("hi");
    const { id: seen = "" } = await client.event();
    await client[Symbol.asyncDispose]();
    await first.program[Symbol.asyncDispose]();
    transcript.user("missed");

    // A version stays valid across a restart.
    const second = await start("--heartbeat", "40ms");
    await using _program = second.program;
    const count = async (): Promise<unknown> => (await session(second.url, transcript.id))["message_count"];
    await until(
      async () => (await count()) === 3,
      () => "the third message",
    );
    await using behind = await SseClient.open(second.url + path, { "last-event-id": seen });
    const { event, id: current = "" } = await behind.event();
    expect([event, current]).toEqual(["session_updated", expect.not.stringMatching(seen)]);
    await using upToDate = await SseClient.open(`${second.url}${path}?last_event_id=${current}`);
    expect(await upToDate.event()).toEqual({
      event: "heartbeat",
      data: expect.stringMatching(/T\d\d:\d\d:\d\dZ$/),
    });
    // The header is what an EventSource sends by itself: it comes before the parameter.
    await using garbled = await SseClient.open(`${second.url}${path}?last_event_id=from-elsewhere`);
    expect((await garbled.event()).event).toBe("session_updated");
    await using both = await SseClient.open(`${second.url}${path}?last_event_id=${current}`, {
      "last-event-id": seen,
    });
    expect((await both.event()).event).toBe("session_updated");
  });

  test("sends deletions, also to a client that was disconnected, and 404 to all others", async () => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a");
    const { program, url } = await start("--db", archive.path, "--heartbeat", "1s");
    await using _program = program;
    const path = `${url}/api/v1/sessions/a/watch`;
    const { version } = (await (await fetch(`${url}/api/v1/sessions/a`)).json()) as { version: string };
    await using present = await SseClient.open(path);
    await present.frame();
    archive.db.exec("DELETE FROM sessions");
    expect(await present.event()).toEqual({ id: "deleted", event: "session_deleted", data: "a" });
    await using away = await SseClient.open(path, { "last-event-id": version });
    expect(await away.event()).toEqual({ id: "deleted", event: "session_deleted", data: "a" });
    await using told = await SseClient.open(path, { "last-event-id": "deleted" });
    expect((await told.event()).event).toBe("heartbeat");
    const stranger = await fetch(path);
    expect([stranger.status, await stranger.json()]).toEqual([404, { error: "session not found: a" }]);
  });

  test("answers the read routes", async () => {
    const transcript = new ClaudeTranscript(workspace.claude, "abc").user("hello");
    const tool = { type: "tool_use", id: "toolu_1", name: "Bash", input: { command: "ls" } };
    transcript.append(transcript.assistantRecord([tool], "msg_1"));
    transcript.append(
      transcript.userRecord([{ type: "tool_result", tool_use_id: "toolu_1", content: "a.txt" }]),
    );
    const { program, url } = await start();
    await using _program = program;
    await listed(url, "abc");
    const get = async (path: string): Promise<unknown> => (await fetch(url + path)).json();

    expect(await get("/api/ping")).toEqual({
      ok: true,
      service: "sessionwatch",
      version: "0.1.0",
      pid: program.pid,
    });
    expect(await get("/healthz")).toEqual({ ok: true });
    expect(await get("/readyz")).toEqual({ ok: true });
    expect(await get("/api/v1/sessions?limit=1")).toMatchObject({
      sessions: [
        { id: "abc", agent: "claude", project: "demo_app", first_message: "hello", message_count: 2 },
      ],
      next_cursor: null,
      total: 1,
    });
    expect(await get("/api/v1/sessions/abc")).toMatchObject({ id: "abc", total_output_tokens: 7 });
    expect(await get("/api/v1/sessions/abc/messages?direction=desc&limit=1")).toMatchObject({
      messages: [
        {
          ordinal: 1,
          role: "assistant",
          content: "[Bash: ls]",
          has_tool_use: true,
          tool_calls: [
            { tool_name: "Bash", category: "Bash", input_json: '{"command":"ls"}', result_content: "a.txt" },
          ],
        },
      ],
      count: 1,
    });
    const page = await fetch(url);
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=UTF-8"]);
  });

  test("answers bad requests with what would be right, before any stream", async () => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a");
    const { program, url } = await start("--db", archive.path);
    await using _program = program;
    const cases: [path: string, status: number, error: string][] = [
      ["/api/v1/sessions/nobody/watch", 404, "session not found: nobody"],
      ["/api/v1/sessions/nobody/watch?last_event_id=forged", 404, "session not found: nobody"],
      ["/api/v1/sessions/nobody", 404, "session not found: nobody"],
      ["/api/v1/sessions/nobody/messages", 404, "session not found: nobody"],
      ["/api/v1/sessions/%FF", 404, "session not found: %FF"],
      ["/api/v1/sessions?limit=0", 400, "limit: use a whole number from 1 to 1000"],
      ["/api/v1/sessions?limit=ten", 400, "limit: use a whole number from 1 to 1000"],
      [
        "/api/v1/sessions?active_since=yesterday",
        400,
        "active_since: use a time such as 2026-01-31T12:00:00Z",
      ],
      [
        "/api/v1/sessions?cursor=%25",
        400,
        "cursor: not one that this server gave; leave it out to start at the first page",
      ],
      ["/api/v1/sessions/a/messages?direction=up", 400, "direction: use asc or desc"],
      ["/api/v1/sessions/a/watch?data=xml", 400, "data: use id or json"],
      ["/nowhere", 404, "no such route: GET /nowhere"],
    ];
    for (const [path, status, error] of cases) {
      const response = await fetch(url + path);
      expect([path, response.status, await response.json()]).toEqual([path, status, { error }]);
    }
  });

  test("serves a session with any id, and no id breaks a frame", async () => {
    using archive = new ForeignArchive(workspace.path("odd.db"));
    // Deno's node:sqlite ends text at a NUL.
    const ids = HOSTILE_IDS.filter((id) => lane === BINARY || !id.includes("\0"));
    for (const id of ids) archive.add(id);
    const { program, url } = await start("--db", archive.path);
    await using _program = program;
    for (const id of ids) {
      const path = `${url}/api/v1/sessions/${encodeURIComponent(id)}`;
      expect(await (await fetch(path)).json()).toMatchObject({ id });
      await using client = await SseClient.open(`${path}/watch?data=json`);
      expect(await client.frame()).toMatch(
        /^: ok\nretry: 3000\nid: [\w-]{16}\nevent: heartbeat\ndata: \S+Z$/,
      );
      archive.touch(id);
      const { event, data } = await client.event();
      expect([event, JSON.parse(data)]).toEqual(["session_updated", expect.objectContaining({ data: id })]);
    }
  });

  test("answers only to this machine's own names, and listens only on this machine", async () => {
    const { program, url } = await start();
    await using _program = program;
    const { port } = new URL(url);
    const rebound = await fetch(`${url}/api/v1/sessions`, { headers: { host: `evil.example:${port}` } });
    expect([rebound.status, await rebound.json()]).toEqual([
      403,
      {
        error:
          "host not allowed: evil.example; this server answers to localhost, 127.0.0.1 and [::1]; name others with --public-url",
      },
    ]);
    expect(
      (await fetch(`http://localhost:${port}/api/ping`, { headers: { host: `localhost:${port}` } })).status,
    ).toBe(200);
    await using open = new Program(lane, ["serve", "--host", "0.0.0.0"], workspace.env);
    expect(await open.exit()).toBe(2);
    expect(open.stderr).toContain("--host: 0.0.0.0 can be reached from other machines");
  });

  test("sends an outage and its end to every client, and answers 503 meanwhile", async () => {
    using archive = new ForeignArchive(workspace.path("view.db"), { journal: "delete" }).add("a");
    const { program, url } = await start("--db", archive.path, "--poll-interval", "50ms");
    await using _program = program;
    await using client = await SseClient.open(`${url}/api/v1/sessions/a/watch`);
    renameSync(archive.path, `${archive.path}.away`);
    const error = `Cannot read archive ${JSON.stringify(archive.path)}: it does not exist`;
    expect(await client.event()).toEqual({ event: "degraded", data: error });
    const response = await fetch(`${url}/readyz`);
    expect([response.status, response.headers.get("retry-after"), await response.json()]).toEqual([
      503,
      "5",
      { error: "the archive cannot be read now" },
    ]);
    renameSync(`${archive.path}.away`, archive.path);
    expect((await client.event()).event).toBe("recovered");
  });

  test("ends its streams and exits with 0 within 2 s of SIGTERM or SIGINT, even with a client that does not read", async () => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a");
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const { program, url } = await start("--db", archive.path);
      await using _program = program;
      await using client = await SseClient.open(`${url}/api/v1/sessions/a/watch`);
      const stalled = await stalledClient(url, "/api/v1/sessions/a/watch");
      const startedMs = performance.now();
      program.kill(signal);
      await client.end();
      expect(await program.exit()).toBe(0);
      expect(performance.now() - startedMs).toBeLessThan(2000);
      stalled.destroy();
    }
  });

  test.each([
    ["SIGINT", "SIGTERM", 143],
    ["SIGTERM", "SIGINT", 130],
  ] as const)("ends at once when %s is followed by %s", async (first, second, exitCode) => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a");
    const { program, url } = await start("--db", archive.path);
    await using _program = program;
    // It is given time to take the last bytes.
    await using client = await SseClient.open(`${url}/api/v1/sessions/a/watch`);
    await client.frame();
    program.kill(first);
    expect(await program.complaint()).toContain("stopping");
    program.kill(second);
    expect(await program.exit()).toBe(exitCode);
  });

  test("says that the port is in use", async () => {
    const { program, url } = await start();
    await using _program = program;
    // Few enough for the limit of open files of every system.
    const args = ["serve", "--max-streams", "1", "--port", new URL(url).port];
    await using second = new Program(lane, args, workspace.env);
    expect(await second.exit()).toBe(1);
    expect(second.stderr).toBe(
      `watch: Cannot listen on 127.0.0.1:${new URL(url).port}: the port is in use; choose another with --port (0 picks a free one)\n`,
    );
  });
});

async function session(url: string, id: string): Promise<Record<string, unknown>> {
  return (await (await fetch(`${url}/api/v1/sessions/${id}`)).json()) as Record<string, unknown>;
}

/** A client that asks and then never reads. */
async function stalledClient(url: string, path: string): Promise<ReturnType<typeof connect>> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await within(new Promise((resolve) => socket.once("connect", resolve)), () => "a connection");
  socket.pause();
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
  socket.on("error", () => socket.destroy());
  return socket;
}
