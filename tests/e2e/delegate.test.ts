/** An agentsview archive that lags behind its transcripts, as a user follows it, in every lane. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { statSync, writeFileSync } from "node:fs";
import { FakeAgentsview, gone } from "../support/agentsview.ts";
import { ForeignArchive } from "../support/archives.ts";
import { LANES, Program, serve, until } from "../support/program.ts";
import { SseClient } from "../support/stream-clients.ts";
import { Workspace } from "../support/workspace.ts";

let workspace: Workspace;
let archive: ForeignArchive;
let agentsview: FakeAgentsview;
let transcript: string;

beforeEach(() => {
  workspace = new Workspace();
  agentsview = new FakeAgentsview(workspace.path("bin"));
  archive = new ForeignArchive(workspace.path("view", "sessions.db")).add("a");
  transcript = workspace.path("a.jsonl");
  writeFileSync(transcript, "{}\n");
  const { mtimeNs } = statSync(transcript, { bigint: true });
  archive.db.prepare("UPDATE sessions SET file_path = ?, file_mtime = ?").run(transcript, mtimeNs);
});
afterEach(() => {
  archive[Symbol.dispose]();
  workspace[Symbol.dispose]();
});

describe.each(LANES)("a foreign archive ($name)", (lane) => {
  const fast = ["--poll-interval", "20ms", "--sync-delay", "200ms"];
  const env = (): Record<string, string> => ({ ...workspace.env, PATH: agentsview.path });
  const follow = (...args: string[]): Program =>
    new Program(lane, ["a", "--db", archive.path, "--initial", ...fast, ...args], env());

  test("is synced by agentsview when a followed session lags, and the update is printed", async () => {
    await using program = follow("--count", "2");
    expect(await program.json()).toMatchObject({ event: "session_updated", message_count: 1 });
    writeFileSync(transcript, "{}\n{}\n");
    const changedMs = Date.now();
    expect(await program.json()).toMatchObject({ event: "session_updated", message_count: 2 });
    expect(Date.now() - changedMs).toBeGreaterThanOrEqual(190);
    expect([await program.exit(), program.stderr]).toEqual([0, ""]);
    expect(program.stdout.trim().split("\n").length).toBe(2);
    expect(agentsview.calls).toMatchObject([
      { args: ["session", "sync", "--", "a"], AGENTSVIEW_DATA_DIR: workspace.path("view") },
    ]);
  });

  test("is synced once for all clients of a server", async () => {
    const { program, url } = await serve(lane, env(), ["--db", archive.path, ...fast]);
    await using _program = program;
    await using first = await SseClient.open(`${url}/api/v1/sessions/a/watch`);
    await using second = await SseClient.open(`${url}/api/v1/sessions/a/watch`);
    writeFileSync(transcript, "{}\n{}\n");
    for (const client of [first, second])
      expect(await client.event()).toMatchObject({ event: "session_updated", data: "a" });
    expect(agentsview.calls.length).toBe(1);
  });

  test("is not synced by watch list or watch sync", async () => {
    writeFileSync(transcript, "{}\n{}\n");
    await using list = new Program(lane, ["list", "--db", archive.path], env());
    expect(await list.exit()).toBe(0);
    await using sync = new Program(lane, ["sync", "a", "--db", archive.path], env());
    expect(await sync.exit()).toBe(2);
    expect(sync.stderr).toBe(
      "watch: `watch sync` works only with our own archive; this one is another program's\n",
    );
    expect(agentsview.calls).toEqual([]);
  });

  test("is not synced with --no-sync", async () => {
    writeFileSync(transcript, "{}\n{}\n");
    await using program = follow("--no-sync", "--timeout", "600ms");
    expect(await program.exit()).toBe(124);
    expect(agentsview.calls).toEqual([]);
  });

  test("reports why agentsview failed, goes on, and leaves no process behind", async () => {
    agentsview.conduct = "fail";
    writeFileSync(transcript, "{}\n{}\n");
    await using program = follow();
    await program.line();
    const why = "agentsview failed with exit code 1: fatal: cannot reach postgres://***@db/x: torn";
    expect(await program.complaint()).toBe(`watch: warning: cannot sync session a: ${why}`);
    agentsview.conduct = "hang";
    await until(
      () => agentsview.startsAndEnds.length >= 3,
      () => "a start that hangs",
    );
    program.kill("SIGINT");
    expect(await program.exit()).toBe(130);
    await Promise.all(agentsview.calls.map(gone));
    expect(program.stderr.trim().split("\n").length).toBe(1);
  });
});
