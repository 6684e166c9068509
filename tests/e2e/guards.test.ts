/** Who may use `watch serve`, and how much, in every lane. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { dirname, join } from "node:path";
import { ForeignArchive } from "../support/archives.ts";
import { ClaudeTranscript } from "../support/claude.ts";
import { BINARY, LANES, Program, serve, until } from "../support/program.ts";
import { SseClient } from "../support/stream-clients.ts";
import { notLinux, testUnless } from "../support/unless.ts";
import { Workspace } from "../support/workspace.ts";

const TOKEN = "s3cr3t-T0ken-of-this-server";
const BEARER = { authorization: `Bearer ${TOKEN}` };

let workspace: Workspace;

beforeEach(() => {
  workspace = new Workspace();
});
afterEach(() => workspace[Symbol.dispose]());

describe.each(LANES)("watch serve ($name)", (lane) => {
  const start = (...args: string[]): ReturnType<typeof serve> => serve(lane, workspace.env, args);

  /** Writes a file for the owner alone. */
  const secretFile = (content: string, mode = 0o600): string => {
    const path = workspace.path("token");
    writeFileSync(path, content);
    chmodSync(path, mode);
    return path;
  };

  test("accepts requests with the token, and never writes it anywhere", async () => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a");
    const flags = ["--db", archive.path, "--log-level", "debug", "--log-format", "json"];
    const { program, url } = await start(...flags, "--token-file", secretFile(`${TOKEN}\n`));
    await using _program = program;
    const stream = `${url}/api/v1/sessions/a/watch`;

    const stranger = await fetch(`${url}/api/v1/sessions`);
    expect([stranger.status, await stranger.json()]).toEqual([
      401,
      { error: 'this server requires a token: send it as "Authorization: Bearer <token>"' },
    ]);
    expect((await fetch(`${url}/api/v1/sessions`, { headers: BEARER })).status).toBe(200);
    expect((await fetch(stream)).status).toBe(401);
    await using byHeader = await SseClient.open(stream, BEARER);
    await using byUrl = await SseClient.open(`${stream}?token=${TOKEN}`);
    await Promise.all([byHeader.frame(), byUrl.frame()]);
    archive.touch("a");
    expect((await byHeader.event()).event).toBe("session_updated");
    expect((await byUrl.event()).event).toBe("session_updated");

    for (const path of ["/nowhere", "/api/v1/sessions/b/watch", "/api/v1/watch", "/api/v1/sessions"]) {
      const response = await fetch(`${url}${path}?token=${TOKEN}&last_event_id=${TOKEN}`, {
        headers: BEARER,
      });
      expect(`${JSON.stringify([...response.headers])}${await response.text()}`).not.toContain(TOKEN);
    }
    program.kill("SIGTERM");
    expect(await program.exit()).toBe(0);
    expect(`${program.stdout}${program.stderr}`).not.toContain(TOKEN);
  });

  test("reads the token from the environment, and prefers the file", async () => {
    const env = { ...workspace.env, SESSIONWATCH_TOKEN: TOKEN };
    const first = await serve(lane, env);
    await using _first = first.program;
    expect((await fetch(`${first.url}/api/ping`)).status).toBe(401);
    expect((await fetch(`${first.url}/api/ping`, { headers: BEARER })).status).toBe(200);
    const second = await serve(lane, env, ["--token-file", secretFile("another")]);
    await using _second = second.program;
    expect((await fetch(`${second.url}/api/ping`, { headers: BEARER })).status).toBe(401);
  });

  test("warns about a token file that others can read, and refuses an invalid token", async () => {
    const exposed = secretFile(TOKEN, 0o644);
    const { program } = await start("--token-file", exposed);
    await using _program = program;
    expect(program.stderr).toContain(
      `watch: warning: --token-file: other users of this machine can read ${exposed}; protect it with chmod 600\n`,
    );
    for (const [content, why] of [
      ["\n", "there is no token"],
      ["two words", "the token is not one word of ASCII characters"],
      ["schlüssel", "the token is not one word of ASCII characters"],
    ] as const) {
      const complaint = await refused("--token-file", secretFile(content));
      expect(complaint).toBe(
        `watch: --token-file ${exposed}: ${why}; put one line of random letters and digits there\n`,
      );
    }
    const missing = workspace.path("missing");
    expect(await refused("--token-file", missing)).toMatch(
      new RegExp(`^watch: --token-file: cannot read ${missing}: .*\n$`),
    );
  });

  test("listens on the network with a token, or with --insecure", async () => {
    expect(await refused("--host", "0.0.0.0")).toBe(
      "watch: --host: 0.0.0.0 can be reached from other machines, which could read every session; set a token with --token-file or SESSIONWATCH_TOKEN, or use --insecure\n",
    );
    const guarded = await start("--host", "0.0.0.0", "--token-file", secretFile(TOKEN));
    await using _guarded = guarded.program;
    expect(guarded.program.stderr).not.toContain("warning: --insecure");
    const open = await start("--host", "0.0.0.0", "--insecure");
    await using _open = open.program;
    expect(open.program.stderr).toContain(
      "watch: warning: --insecure: anyone who can reach 0.0.0.0 can read every session\n",
    );
    const { port } = new URL(open.url);
    const ask = (host: string) => fetch(`http://127.0.0.1:${port}/api/ping`, { headers: { host } });
    expect((await ask(`192.168.1.5:${port}`)).status).toBe(200);
    expect((await ask(`evil.example:${port}`)).status).toBe(403);
  });

  test("answers under its public URL, also to pages that write", async () => {
    const transcript = new ClaudeTranscript(workspace.claude, "a").user("hello");
    const { program, url } = await start("--public-url", "https://watch.example/prefix/");
    await using _program = program;
    const ask = (origin: string) =>
      fetch(`${url}/api/v1/sessions/sync`, {
        method: "POST",
        headers: { host: "watch.example", origin, "content-type": "application/json" },
        body: JSON.stringify({ id: transcript.id }),
      });
    expect((await ask("https://watch.example")).status).toBe(200);
    expect((await ask("https://evil.example")).status).toBe(403);
    expect((await ask("null")).status).toBe(403);
  });

  test("refuses invalid URLs and origins at the start", async () => {
    expect(await refused("--public-url", "watch.example")).toBe(
      "watch: option '--public-url <url>' argument 'watch.example' is invalid. Use a URL such as https://watch.example. (see `watch --help`)\n",
    );
    for (const [origin, better] of [
      ["https://app.example/", "https://app.example"],
      ["https://App.Example:443", "https://app.example"],
      ["app.example", "https://app.example"],
      ["null", "https://app.example"],
      ["file:///", "https://app.example"],
    ] as const) {
      expect(await refused("--cors-origin", origin)).toBe(
        `watch: option '--cors-origin <origin>' argument '${origin}' is invalid. Use an origin such as ${better}, or *. (see \`watch --help\`)\n`,
      );
    }
    expect(await refused("--cors-origin", "*")).toBe(
      "watch: --cors-origin: * would let every web page read every session; name origins, or set a token with --token-file\n",
    );
  });

  test("limits concurrent streams, and admits the next client when one leaves", async () => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a");
    const cors = ["--cors-origin", "https://app.example"];
    const { program, url } = await start("--db", archive.path, "--max-streams", "1", ...cors);
    await using _program = program;
    const path = `${url}/api/v1/sessions/a/watch`;
    const first = await SseClient.open(path, { origin: "https://app.example" });
    expect(first.response.headers.get("access-control-allow-origin")).toBe("https://app.example");
    const next = await fetch(path);
    expect([next.status, next.headers.get("retry-after"), await next.json()]).toEqual([
      503,
      "10",
      { error: "all 1 streams of this server are in use (--max-streams); try again later" },
    ]);
    expect((await fetch(path, { method: "HEAD" })).status).toBe(503);
    await first[Symbol.asyncDispose]();
    for (const _time of [1, 2]) {
      await until(
        async () => (await fetch(path, { method: "HEAD" })).status === 200,
        () => "a free place",
      );
      expect((await fetch(`${url}/api/v1/sessions/b/watch`)).status).toBe(404);
      await using another = await SseClient.open(path);
      expect(another.response.status).toBe(200);
    }
  });

  test("syncs only files in an agent's folders", async () => {
    const transcript = new ClaudeTranscript(workspace.claude, "a").user("hello");
    const projects = join(workspace.claude, "projects");
    const outside = workspace.path("outside", "b.jsonl");
    mkdirSync(workspace.path("outside"));
    writeFileSync(outside, "{}\n");
    const { program, url } = await start();
    await using _program = program;
    const sync = async (target: unknown, type = "application/json"): Promise<[number, unknown]> => {
      const body = typeof target === "string" ? target : JSON.stringify(target);
      const headers = { "content-type": type };
      const response = await fetch(`${url}/api/v1/sessions/sync`, { method: "POST", headers, body });
      return [response.status, await response.json()];
    };
    const nowhere = { error: "path: no agent keeps transcripts there" };

    expect(await sync({ path: transcript.path })).toEqual([200, expect.objectContaining({ id: "a" })]);
    expect(await sync({ id: "a" })).toEqual([200, expect.objectContaining({ id: "a" })]);
    expect(await sync({ id: "nobody" })).toEqual([404, { error: "session not found: nobody" }]);
    expect(await sync({ path: "a.jsonl" })).toEqual([400, { error: "path: use an absolute path" }]);
    for (const path of [
      "/etc/passwd",
      outside,
      `${projects}/../../outside/b.jsonl`,
      `${projects}/x/../../../outside/b.jsonl`,
      `${projects}-elsewhere/x/b.jsonl`,
      projects,
      "/",
    ])
      expect([path, await sync({ path })]).toEqual([path, [403, nowhere]]);
    expect(await sync({ path: transcript.path }, "text/plain")).toEqual([
      415,
      { error: "Content-Type: use application/json" },
    ]);
    expect((await sync("{"))[0]).toBe(400);
    expect((await sync({ id: "a", path: transcript.path }))[0]).toBe(400);
    expect(await sync(" ".repeat(70_000))).toEqual([413, { error: "body: send at most 65536 bytes" }]);
    expect(await (await fetch(`${url}/api/v1/sessions`)).json()).toMatchObject({ total: 1 });
  });

  test("syncs no path whose links lead out of the agents' folders", async () => {
    const transcript = new ClaudeTranscript(workspace.claude, "a").user("hello");
    const [projects, project] = [join(workspace.claude, "projects"), dirname(transcript.path)];
    mkdirSync(workspace.path("outside"));
    writeFileSync(workspace.path("outside", "b.jsonl"), "{}\n");
    symlinkSync(workspace.path("outside", "b.jsonl"), join(project, "b.jsonl"));
    symlinkSync(workspace.path("outside"), join(projects, "linked"));
    symlinkSync(transcript.path, join(project, "c.jsonl"));
    const { program, url } = await start();
    await using _program = program;
    const sync = async (path: string): Promise<number> => {
      const body = JSON.stringify({ path });
      const headers = { "content-type": "application/json" };
      return (await fetch(`${url}/api/v1/sessions/sync`, { method: "POST", headers, body })).status;
    };
    expect(await sync(join(project, "b.jsonl"))).toBe(403);
    expect(await sync(join(projects, "linked", "b.jsonl"))).toBe(403);
    expect(await sync(join(project, "c.jsonl"))).toBe(200);
    expect(await sync(join(project, "gone.jsonl"))).toBe(404);
  });

  test("refuses requests with two hosts, without a host, or with a huge head", async () => {
    const { program, url } = await start();
    await using _program = program;
    const ask = async (lines: string[]): Promise<string> =>
      (await answer(url, `${["GET /api/v1/sessions HTTP/1.1", ...lines].join("\r\n")}\r\n\r\n`)).slice(0, 12);
    expect(await ask(["Host: localhost", "Host: evil.example"])).toBe("HTTP/1.1 400");
    expect(await ask(["Host: localhost/x"])).toBe("HTTP/1.1 400");
    expect(await ask(["Host:"])).toBe("HTTP/1.1 400");
    expect(await ask(["Host: localhost", `X-Long: ${"x".repeat(1_000_000)}`])).toMatch(
      /^HTTP\/1\.1 4(00|31)/,
    );
    expect(await ask(["Host: localhost"])).toBe("HTTP/1.1 200");
  });

  test("limits the time of a request, but not of a stream", async () => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a");
    const { program, url } = await start("--db", archive.path);
    await using _program = program;
    await using stream = await SseClient.open(`${url}/api/v1/sessions/a/watch`);
    await stream.frame();
    const body = "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    const slowBody = answer(url, `POST /api/v1/sessions/sync HTTP/1.1\r\nHost: localhost\r\n${body}`);
    // Deno closes no connection by itself.
    const slowHeads = lane === BINARY ? [answer(url, ""), answer(url, "GET / HT"), dripping(url)] : [];
    expect(await slowBody).toStartWith("HTTP/1.1 408");
    expect(await Promise.all(slowHeads)).toEqual(slowHeads.map(() => ""));
    archive.touch("a");
    expect((await stream.event()).event).toBe("session_updated");
  });

  testUnless(lane === BINARY ? notLinux() : "Deno does not know how many files it may open")(
    "limits streams to what the limit of open files allows, and starves no client",
    async () => {
      using archive = new ForeignArchive(workspace.path("view.db")).add("a");
      const limited = {
        ...lane,
        command: ["bash", "-c", 'ulimit -n 300; exec "$@"', "bash", ...lane.command],
      };
      const { program, url } = await serve(limited, workspace.env, [
        "--db",
        archive.path,
        "--max-streams",
        "20000",
      ]);
      await using _program = program;
      expect(program.stderr).toContain(
        "watch: warning: --max-streams: 20000 streams exceed this system's limit of 300 open files; using 100; raise the limit with ulimit -n\n",
      );
      const stream = `${url}/api/v1/sessions/a/watch`;
      const open = (): Promise<SseClient> => SseClient.open(stream);
      await using first = await open();
      await first.frame();
      const others = await Promise.all(Array.from({ length: 149 }, open));
      const refused = others.filter(({ response }) => response.status === 503);
      expect([refused.length, refused[0]?.response.headers.get("retry-after")]).toEqual([50, "10"]);
      archive.touch("a");
      expect((await first.event()).event).toBe("session_updated");
      expect((await fetch(`${url}/api/v1/sessions`)).status).toBe(200);
      await Promise.all(others.map((client) => client[Symbol.asyncDispose]()));
    },
  );

  /** Starts a server that must not. @returns what it said. */
  async function refused(...args: string[]): Promise<string> {
    await using program = new Program(lane, ["serve", "--port", "0", ...args], workspace.env);
    expect(await program.exit()).toBe(2);
    return program.stderr;
  }
});

/** @returns what comes back for these bytes, up to the first answer or the end. */
async function answer(url: string, request: string): Promise<string> {
  return await received(url, (socket) => socket.write(request));
}

/** Sends the head of a request byte by byte, without an end. */
async function dripping(url: string): Promise<string> {
  return await received(url, (socket) => {
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
    const drops = setInterval(() => socket.write("x"), 1000);
    socket.once("close", () => clearInterval(drops));
  });
}

function received(url: string, send: (socket: Socket) => void): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = "";
  socket.once("connect", () => send(socket));
  socket.on("data", (bytes) => {
    text += bytes.toString("latin1");
    if (text.includes("\r\n\r\n")) socket.destroy();
  });
  socket.on("error", () => socket.destroy());
  return new Promise((resolve) => socket.once("close", () => resolve(text)));
}
