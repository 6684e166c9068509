/** `watch serve` for operators, in every lane: probes, metrics, the log, and the OpenAPI document. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { renameSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import { ForeignArchive } from "../support/archives.ts";
import { ClaudeTranscript } from "../support/claude.ts";
import { Described } from "../support/described.ts";
import { samplesOf } from "../support/exposition.ts";
import { LANES, listed, Program, serve, until, within } from "../support/program.ts";
import { SseClient } from "../support/stream-clients.ts";
import { Workspace } from "../support/workspace.ts";

let workspace: Workspace;

beforeEach(() => {
  workspace = new Workspace();
});
afterEach(() => workspace[Symbol.dispose]());

describe.each(LANES)("watch serve ($name)", (lane) => {
  const start = (...args: string[]): ReturnType<typeof serve> => serve(lane, workspace.env, args);

  test("is alive whether it is ready or not, and counts outages", async () => {
    using archive = new ForeignArchive(workspace.path("view.db"), { journal: "delete" }).add("a");
    const { program, url } = await start("--db", archive.path, "--poll-interval", "50ms");
    await using _program = program;
    await using client = await SseClient.open(`${url}/api/v1/sessions/a/watch`);
    expect(await status(`${url}/readyz`)).toEqual([200, null, { ok: true }]);
    renameSync(archive.path, `${archive.path}.away`);
    // Probes need no token, so the answer must not show where the archive is.
    const error = "the archive cannot be read now";
    expect(await status(`${url}/readyz`)).toEqual([503, "5", { error }]);
    expect(await status(`${url}/healthz`)).toEqual([200, null, { ok: true }]);
    expect((await client.event()).event).toBe("degraded");
    expect(await sample(url, "sessionwatch_degraded")).toBe(1);
    renameSync(`${archive.path}.away`, archive.path);
    expect((await client.event()).event).toBe("recovered");
    expect(await sample(url, "sessionwatch_degraded")).toBe(0);
    expect(await status(`${url}/readyz`)).toEqual([200, null, { ok: true }]);
    // This archive is not ours to sync.
    expect(await sample(url, "sessionwatch_sync_backlog")).toBeUndefined();
  });

  test("measures the way from a transcript to a client", async () => {
    const transcript = new ClaudeTranscript(workspace.claude).user("hello");
    const { program, url } = await start();
    await using _program = program;
    await listed(url, transcript.id);
    const client = await SseClient.open(`${url}/api/v1/sessions/${transcript.id}/watch`);
    await using _all = await SseClient.open(`${url}/api/v1/watch?all=true`);
    await client.frame();
    transcript.assistant("hi");
    await client.event();
    const answer = await fetch(`${url}/metrics`);
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const samples = samplesOf(await answer.text());
    expect(Object.fromEntries(samples)).toMatchObject({
      'sessionwatch_build_info{version="0.1.0"}': 1,
      'sessionwatch_streams{kind="session"}': 1,
      'sessionwatch_streams{kind="sessions"}': 1,
      'sessionwatch_streams_opened_total{kind="session"}': 1,
      'sessionwatch_streams_closed_total{reason="client"}': 0,
      sessionwatch_subscribers: 2,
      sessionwatch_updates_total: 1,
      'sessionwatch_lag_seconds_count{kind="session"}': 1,
      'sessionwatch_lag_seconds_bucket{kind="session",le="1"}': 1,
      sessionwatch_sync_seconds_count: 2,
      sessionwatch_sync_failures_total: 0,
      sessionwatch_degraded: 0,
    });
    expect(samples.get('sessionwatch_lag_seconds_sum{kind="session"}')).toBeGreaterThan(0);
    expect(samples.get("sessionwatch_archive_look_seconds_count")).toBeGreaterThan(0);
    expect(samples.get("process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
    expect(samples.get("process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(Math.abs((samples.get("process_start_time_seconds") ?? 0) - Date.now() / 1000)).toBeLessThan(60);
    if (process.platform === "linux") expect(samples.get("process_open_fds")).toBeGreaterThan(3);

    await client[Symbol.asyncDispose]();
    await until(
      async () => (await sample(url, 'sessionwatch_streams_closed_total{reason="client"}')) === 1,
      () => "the end of the stream",
    );
    expect(await sample(url, 'sessionwatch_streams{kind="session"}')).toBe(0);
  });

  test("logs requests and streams with their facts as fields, and no query", async () => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a");
    // Few enough for the limit of open files of every system.
    const args = ["--db", archive.path, "--port", "0", "--max-streams", "10"];
    const logArgs = ["--log-level", "debug", "--log-format", "json"];
    await using program = new Program(lane, ["serve", ...args, ...logArgs], workspace.env);
    const log = async (): Promise<LogLine> => JSON.parse(await program.complaint()) as LogLine;
    const first = await log();
    const { url } = first.properties as { url: string };
    expect(first).toMatchObject({
      level: "INFO",
      message: `listening on ${url}`,
      properties: { pid: program.pid },
    });
    const tookMs = expect.any(Number);
    // The path takes no token in its query, and says so.
    await fetch(`${url}/api/v1/sessions/nobody?token=hunter2`);
    expect((await log()).properties).toEqual({
      method: "GET",
      path: "/api/v1/sessions/nobody",
      status: 400,
      tookMs,
    });
    await fetch(`${url}/api/ping`, { headers: { host: "evil.example", authorization: "Bearer hunter2" } });
    expect((await log()).properties).toEqual({ method: "GET", path: "/api/ping", status: 403, tookMs });
    const client = await SseClient.open(`${url}/api/v1/sessions/a/watch?token=hunter2`);
    await client.frame();
    expect(await log()).toMatchObject({
      level: "DEBUG",
      message: "stream opened: session",
      properties: { kind: "session" },
    });
    expect((await log()).properties).toMatchObject({ path: "/api/v1/sessions/a/watch", status: 200 });
    await client[Symbol.asyncDispose]();
    expect((await log()).properties).toEqual({
      kind: "session",
      reason: "client",
      openMs: expect.any(Number),
    });
    program.kill("SIGTERM");
    expect(await log()).toMatchObject({ level: "INFO", properties: { streams: 0 } });
    expect(await program.exit()).toBe(0);
    expect(program.stderr).not.toContain("hunter2");
  });

  test("answers and errors are as /openapi.json describes them", async () => {
    const transcript = new ClaudeTranscript(workspace.claude, "abc").user("hello");
    const tool = { type: "tool_use", id: "toolu_1", name: "Bash", input: { command: "ls" } };
    transcript.append(transcript.assistantRecord([tool], "msg_1"));
    using foreign = new ForeignArchive(workspace.path("view.db"), { columns: "old" }).add("abc");
    for (const args of [[], ["--db", foreign.path]]) {
      const { program, url } = await start(...args);
      await using _program = program;
      await listed(url, "abc");
      const document = await (await fetch(`${url}/openapi.json`)).json();
      expect(await new Validator().validate({ ...(document as object) })).toEqual({ valid: true });
      const described = new Described(document);
      for (const [route, path, expected] of ANSWERED) {
        const response = await fetch(url + path);
        expect([path, response.status]).toEqual([path, expected]);
        const content = (response.headers.get("content-type") ?? "").split(";")[0] ?? "";
        const body = content === "application/json" ? await response.json() : await response.text();
        expect([path, described.faultsOf(`GET ${route}`, expected, content, body)]).toEqual([path, []]);
      }
      const sync = await fetch(`${url}/api/v1/sessions/sync`, { method: "POST", body: '{"id":"abc"}' });
      expect(
        described.faultsOf("POST /api/v1/sessions/sync", sync.status, "application/json", await sync.json()),
      ).toEqual([]);
    }
  });

  test("events are as /openapi.json describes them", async () => {
    const transcript = new ClaudeTranscript(workspace.claude, "abc").user("hello");
    const { program, url } = await start("--heartbeat", "50ms");
    await using _program = program;
    await listed(url, "abc");
    const described = new Described(await (await fetch(`${url}/openapi.json`)).json());
    for (const [route, query] of STREAMS) {
      const path = `${url}${route.replace("{id}", "abc")}${query}`;
      await using client = await SseClient.open(path);
      await client.frame();
      transcript.assistant("hi");
      // A change, and a heartbeat.
      for (const names = new Set<string>(); names.size < 2;) {
        const event = await client.event();
        names.add(event.event);
        expect(described.faultsOf(`GET ${route}`, 200, "text/event-stream", event)).toEqual([]);
      }
      for (const line of await someLines(path, () => transcript.assistant("ho")))
        expect(described.faultsOf(`GET ${route}`, 200, "application/x-ndjson", JSON.parse(line))).toEqual([]);
    }
  });
});

interface LogLine {
  level: string;
  message: string;
  properties: Record<string, unknown>;
}

const ANSWERED: readonly [route: string, path: string, status: number][] = [
  ["/", "/", 200],
  ["/api/ping", "/api/ping", 200],
  ["/healthz", "/healthz", 200],
  ["/readyz", "/readyz", 200],
  ["/metrics", "/metrics", 200],
  ["/openapi.json", "/openapi.json", 200],
  ["/api/v1/sessions", "/api/v1/sessions", 200],
  ["/api/v1/sessions", "/api/v1/sessions?limit=0", 400],
  ["/api/v1/sessions/{id}", "/api/v1/sessions/abc", 200],
  ["/api/v1/sessions/{id}", "/api/v1/sessions/nobody", 404],
  ["/api/v1/sessions/{id}/messages", "/api/v1/sessions/abc/messages", 200],
  ["/api/v1/sessions/{id}/messages", "/api/v1/sessions/abc/messages?direction=up", 400],
  ["/api/v1/sessions/{id}/watch", "/api/v1/sessions/nobody/watch", 404],
  ["/api/v1/watch", "/api/v1/watch", 400],
  ["/api/v1/events", "/api/v1/events?last_event_id=x", 400],
];

const STREAMS = [
  ["/api/v1/sessions/{id}/watch", "?data=json"],
  ["/api/v1/watch", "?all=true"],
  ["/api/v1/events", ""],
] as const;

/** @returns the first lines of a stream of JSON lines: one before `change`, and what comes after it. */
async function someLines(url: string, change: () => void): Promise<string[]> {
  const response = await fetch(url, { headers: { accept: "application/x-ndjson" } });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let isChanged = false;
  while (!/session_updated|data_changed/.test(text)) {
    text += (await within(Promise.resolve(reader?.read()), () => `a line after ${text}`))?.value ?? "";
    if (!isChanged) change();
    isChanged = true;
  }
  await reader?.cancel();
  return text.trimEnd().split("\n");
}

async function status(url: string): Promise<[number, string | null, unknown]> {
  const response = await fetch(url);
  return [response.status, response.headers.get("retry-after"), await response.json()];
}

async function sample(url: string, name: string): Promise<number | undefined> {
  return samplesOf(await (await fetch(`${url}/metrics`)).text()).get(name);
}
