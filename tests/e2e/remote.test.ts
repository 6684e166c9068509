/** `watch <id> --server` and `watch --all --server`, with servers and connections that fail and return, in every lane. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { ForeignArchive } from "../support/archives.ts";
import { ClaudeTranscript } from "../support/claude.ts";
import { LANES, listed, Program, serve } from "../support/program.ts";
import type { Lane } from "../support/program.ts";
import { Proxy } from "../support/proxy.ts";
import { Workspace } from "../support/workspace.ts";

let workspace: Workspace;

beforeEach(() => {
  workspace = new Workspace();
});
afterEach(() => workspace[Symbol.dispose]());

describe.each(LANES)("watch <id> --server ($name)", (lane) => {
  test("prints the same lines as a local watch, found by prefix or as latest", async () => {
    const transcript = new ClaudeTranscript(workspace.claude, "abcdef").user("hello");
    const { program, url } = await serve(lane, workspace.env);
    await using _server = program;
    await listed(url, transcript.id);
    for (const wanted of ["abcdef", "abc", "latest"]) {
      await using client = watch(lane, wanted, "--server", url, "--initial", "--count", "2");
      const initial = await client.json();
      expect(initial).toMatchObject({ event: "session_updated", data: "abcdef" });
      transcript.assistant("hi");
      const update = await client.json();
      expect(Object.keys(update)).toEqual(["event", "data", "version", "message_count", "at"]);
      expect(Number(update["message_count"])).toBe(Number(initial["message_count"]) + 1);
      expect(await client.exit()).toBe(0);
    }
  });

  test("fault 11: survives restarts of the server, without loss or repetition", async () => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a");
    const server = await RestartableServer.start(lane, archive);
    await using _server = server;
    await using client = watch(lane, "a", "--server", server.url, "--initial", "--count", "4");
    await client.line();
    archive.touch("a");
    expect(await client.json()).toMatchObject({ message_count: 2 });
    await server.stop("SIGKILL");
    await server.start("--heartbeat", "20ms");
    // Nothing has changed, so the new server first sends a heartbeat.
    expect(await client.json()).toMatchObject({ event: "heartbeat" });
    for (const [signal, count] of [
      ["SIGKILL", 3],
      ["SIGTERM", 4],
    ] as const) {
      await server.stop(signal);
      archive.touch("a");
      await server.start();
      expect(await client.update()).toMatchObject({ event: "session_updated", message_count: count });
    }
    expect(await client.exit()).toBe(0);
  });

  test("reports that the session was deleted while the server was down, and goes on", async () => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a");
    const server = await RestartableServer.start(lane, archive);
    await using _server = server;
    await using client = watch(lane, "a", "--server", server.url, "--initial", "--count", "2");
    await client.line();
    await server.stop("SIGKILL");
    archive.db.exec("UPDATE sessions SET deleted_at = '2026-01-01'");
    await server.start();
    expect(await client.json()).toMatchObject({ event: "session_deleted", data: "a" });
    archive.db.exec("UPDATE sessions SET deleted_at = NULL");
    expect(await client.json()).toMatchObject({ event: "session_updated", data: "a" });
    expect(await client.exit()).toBe(0);
  });

  test("misses nothing, wherever the connection is cut in the stream", async () => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a");
    const { program, url } = await serve(lane, workspace.env, ["--db", archive.path]);
    await using _server = program;
    await using proxy = await Proxy.before(url);
    await using client = watch(lane, "a", "--server", proxy.url, "--initial");
    await client.line();
    let count = 1;
    for (const bytes of [0, 1, 3, 5, 20, 33, 60, 100, 180, 250, 400]) {
      const cut = proxy.cutAfter(bytes);
      // A frame of this session has about 170 bytes, a response's head a bit more.
      for (let bytesLeft = bytes; bytesLeft >= 0; bytesLeft -= 150) {
        archive.touch("a");
        count += 1;
        await reaches(client, count);
      }
      await cut;
    }
  });

  test("reports a long disconnection once, and the reconnect once", async () => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a");
    const { program, url } = await serve(lane, workspace.env, ["--db", archive.path]);
    await using _server = program;
    await using proxy = await Proxy.before(url);
    await using client = watch(lane, "a", "--server", proxy.url, "--initial", "--count", "2");
    await client.line();
    await proxy.refuse();
    expect(await client.complaint()).toBe(
      `watch: warning: no connection to ${proxy.url} for 5 s (connection refused), still trying`,
    );
    archive.touch("a");
    await proxy.accept();
    expect(await client.complaint()).toBe(`watch: connected to ${proxy.url} again`);
    expect(await client.json()).toMatchObject({ message_count: 2 });
    expect(await client.exit()).toBe(0);
    expect(client.stderr.trimEnd().split("\n").length).toBe(2);
  });

  test("misses nothing from an agentsview server, which has no versions and no ids", async () => {
    using server = new AgentsviewServer();
    await using client = watch(lane, "a", "--server", server.url, "--initial", "--count", "4");
    expect(await client.json()).toEqual({
      event: "session_updated",
      data: "a",
      message_count: 1,
      at: expect.any(String),
    });
    for (const count of [2, 3, 4]) {
      // Now the client has read the session and waits for the stream.
      expect(await client.json()).toMatchObject({ event: "heartbeat" });
      if (count > 2) server.cut();
      server.change();
      const update = { event: "session_updated", data: "a", message_count: count, at: expect.any(String) };
      expect(await client.json()).toEqual(update);
    }
    expect(await client.exit()).toBe(0);
  });

  test("fault 11: exits with 1 when it gives up, 4 when there is no such session", async () => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a");
    const { program, url } = await serve(lane, workspace.env, ["--db", archive.path]);
    await using unknown = watch(lane, "nobody", "--server", url);
    expect([await unknown.exit(), unknown.stderr]).toEqual([4, "watch: session not found: nobody\n"]);
    await using client = watch(lane, "a", "--server", url, "--initial", "--max-retries", "1");
    await client.line();
    program.kill("SIGKILL");
    await program.exit();
    expect([await client.exit(), client.stderr]).toEqual([
      1,
      `watch: cannot reach ${url}: connection refused\n`,
    ]);
    // If the first connection is refused, the address is wrong.
    await using late = watch(lane, "a", "--server", url);
    expect([await late.exit(), late.stdout]).toEqual([1, ""]);
  });

  test("ends with 124 after --timeout, and at once on a signal, connected or not", async () => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a");
    const { program, url } = await serve(lane, workspace.env, ["--db", archive.path]);
    await using _server = program;
    await using timed = watch(lane, "a", "--server", url, "--timeout", "300ms");
    expect(await timed.exit()).toBe(124);
    await using client = watch(lane, "a", "--server", url, "--initial", "--log-level", "debug");
    await client.line();
    await using waiting = watch(lane, "a", "--server", url, "--initial", "--timeout", "2s");
    await waiting.line();
    program.kill("SIGKILL");
    expect(await client.complaint()).toContain("retrying");
    client.kill("SIGINT");
    expect([await client.exit(), await waiting.exit()]).toEqual([130, 124]);
  });

  test("stops while a connected server does not answer", async () => {
    using mute = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
    const url = `http://127.0.0.1:${mute.port}`;
    for (const wanted of ["a", "--all"]) {
      await using client = watch(lane, wanted, "--server", url, "--timeout", "100ms");
      expect([await client.exit(), client.stderr]).toEqual([124, ""]);
    }
  });
});

describe.each(LANES)("watch --all --server ($name)", (lane) => {
  test("begins with the present sessions, oldest activity first, and follows those that start later", async () => {
    const old = new ClaudeTranscript(workspace.claude, "old").user("one");
    const young = new ClaudeTranscript(workspace.claude, "young").user("one").user("later");
    const { program, url } = await serve(lane, workspace.env);
    await using _server = program;
    await listed(url, old.id);
    await listed(url, young.id);
    await using client = watch(lane, "--all", "--server", url, "--initial", "--count", "4");
    expect([await told(client), await told(client)]).toEqual(["old 1", "young 2"]);
    old.assistant("two");
    expect(await told(client)).toBe("old 2");
    new ClaudeTranscript(workspace.claude, "new", "-another-folder").user("one");
    let update = await client.json();
    // A file is created before its first line is written, and may be seen in between.
    if (update["message_count"] === 0) update = await client.json();
    expect(Object.keys(update)).toEqual(["event", "data", "version", "message_count", "at"]);
    expect(update).toMatchObject({ data: "new", message_count: 1 });
    expect(await client.exit()).toBe(0);
  });

  test("reports once each session that changed or was deleted while the server was down", async () => {
    using archive = new ForeignArchive(workspace.path("view.db"));
    for (let index = 0; index < 1200; index += 1) archive.add(`s${index}`, index < 600 ? "here" : "there");
    const server = await RestartableServer.start(lane, archive);
    await using _server = server;
    await using all = watch(lane, "--all", "--server", server.url, "--initial");
    await using here = watch(lane, "--all", "--project", "here", "--server", server.url, "--initial");
    for (let index = 0; index < 1200; index += 1) await all.line();
    for (let index = 0; index < 600; index += 1) await here.line();

    let mark = 2;
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      // From now on, each client has a cursor.
      archive.touch("s0");
      expect([await told(all), await told(here)]).toEqual([`s0 ${mark}`, `s0 ${mark}`]);
      await server.stop(signal);
      archive.touch("s1").touch("s599").touch("s600").touch("s1199");
      archive.db.exec(`DELETE FROM sessions WHERE id IN ('s${mark}', 's${600 + mark}')`);
      await server.start();
      const missed = ["s1", "s599", "s600", "s1199"].map((id) => `${id} ${mark}`);
      const gone = [`s${mark} gone`, `s${600 + mark} gone`];
      expect(await toldSet(all, 6)).toEqual(new Set([...missed, ...gone]));
      expect(await toldSet(here, 3)).toEqual(new Set([`s1 ${mark}`, `s599 ${mark}`, `s${mark} gone`]));
      mark += 1;
    }
    // No event is repeated: the next line is the next change.
    archive.touch("s5");
    expect([await told(all), await told(here)]).toEqual(["s5 2", "s5 2"]);
  });

  test("does not report a session as deleted that left the filter while the server was down", async () => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a").add("b");
    const server = await RestartableServer.start(lane, archive);
    await using _server = server;
    await using client = watch(lane, "--all", "--project", "demo", "--server", server.url, "--initial");
    await client.line();
    await client.line();
    await server.stop("SIGKILL");
    archive.db.exec("UPDATE sessions SET project = 'other' WHERE id = 'a'");
    archive.touch("b");
    await server.start();
    expect(await told(client)).toBe("b 2");
    archive.touch("b");
    expect(await told(client)).toBe("b 3");
  });

  test("misses nothing and repeats nothing, wherever the connection is cut", async () => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a").add("b");
    const { program, url } = await serve(lane, workspace.env, ["--db", archive.path]);
    await using _server = program;
    await using proxy = await Proxy.before(url);
    await using client = watch(lane, "--all", "--server", proxy.url, "--initial");
    await toldSet(client, 2);
    let count = 1;
    for (const bytes of [0, 1, 10, 40, 90, 150, 200, 300, 500, 900, 1500]) {
      const cut = proxy.cutAfter(bytes);
      for (let bytesLeft = bytes; bytesLeft >= 0; bytesLeft -= 300) {
        count += 1;
        archive.touch("a");
        expect(await told(client)).toBe(`a ${count}`);
        archive.touch("b");
        expect(await told(client)).toBe(`b ${count}`);
      }
      await cut;
    }
  });

  test("misses nothing and repeats nothing, wherever a reconnect to a new server is cut", async () => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a").add("b");
    const server = await RestartableServer.start(lane, archive);
    await using _server = server;
    await using proxy = await Proxy.before(server.url);
    await using client = watch(lane, "--all", "--server", proxy.url, "--initial");
    await toldSet(client, 2);
    let count = 1;
    for (const bytes of [0, 100, 300, 420, 500, 700, 900, 1200]) {
      count += 1;
      archive.touch("b");
      expect(await told(client)).toBe(`b ${count}`);
      await proxy.refuse();
      await server.stop("SIGKILL");
      archive.touch("a");
      await server.start();
      const cut = proxy.cutAfter(bytes);
      await proxy.accept();
      expect(await told(client)).toBe(`a ${count}`);
      // A whole reconnection takes about a thousand bytes.
      if (bytes < 900) await cut;
    }
  });

  test("starts, wherever its first connections are cut", async () => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a");
    const { program, url } = await serve(lane, workspace.env, ["--db", archive.path]);
    await using _server = program;
    await using proxy = await Proxy.before(url);
    for (const bytes of [0, 50, 200, 500, 700, 1100]) {
      void proxy.cutAfter(bytes);
      await using client = watch(lane, "--all", "--server", proxy.url, "--initial", "--count", "2");
      const first = await client.json();
      archive.touch("a");
      expect(await client.json()).toMatchObject({ message_count: Number(first["message_count"]) + 1 });
      expect(await client.exit()).toBe(0);
    }
  });

  test("a server that streams only single sessions is one clear line, and exit code 1", async () => {
    for (const answer of [
      new Response("404 page not found", { status: 404 }),
      new Response("<html>", { headers: { "content-type": "text/html" } }),
    ]) {
      using server = Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        fetch: ({ url }) =>
          new URL(url).pathname === "/api/v1/sessions"
            ? Response.json({ sessions: [{ id: "a", message_count: 1 }], total: 1 })
            : answer.clone(),
      });
      const url = `http://127.0.0.1:${server.port}`;
      await using client = watch(lane, "--all", "--server", url);
      expect([await client.exit(), client.stderr]).toEqual([
        1,
        `watch: ${url} streams only single sessions, so --all is not possible: name a session, or use a sessionwatch server\n`,
      ]);
    }
  });
});

describe.each(LANES)("watch --server, the token ($name)", (lane) => {
  test("is sent as the file or the variable has it, and refusals are final and clear", async () => {
    const asked: (string | null)[] = [];
    using server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch({ headers, url }) {
        const authorization = headers.get("authorization");
        asked.push(authorization);
        if (authorization === "Bearer right")
          return Response.json({ sessions: [] }, { status: url.includes("/sessions?") ? 200 : 404 });
        if (authorization === null) return Response.json({ error: "no token" }, { status: 401 });
        return Response.json({ error: "host not allowed: evil" }, { status: 403 });
      },
    });
    const url = `http://127.0.0.1:${server.port}`;
    const file = workspace.path("token");
    writeFileSync(file, "right\n");
    const attempt = async (args: string[], token = ""): Promise<[code: number, stderr: string]> => {
      const env = { ...workspace.env, SESSIONWATCH_TOKEN: token };
      await using client = new Program(lane, [...args, "--server", url], env);
      return [await client.exit(), client.stderr];
    };
    expect(await attempt(["--all"])).toEqual([
      1,
      `watch: ${url} answered 401: it needs a token; pass one with --token-file or SESSIONWATCH_TOKEN\n`,
    ]);
    expect(await attempt(["a"], "wrong")).toEqual([
      1,
      `watch: ${url} answered 403: host not allowed: evil\n`,
    ]);
    expect((await attempt(["a"], "right"))[0]).toBe(4);
    expect((await attempt(["a", "--token-file", file], "wrong"))[0]).toBe(4);
    expect(new Set(asked)).toEqual(new Set([null, "Bearer wrong", "Bearer right"]));
    const [code, stderr] = await attempt(["a", "--token-file", workspace.path("nothing")]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^watch: --token-file: .*ENOENT|No such file/)]);
  });

  test("is accepted by our server, and a wrong one is not", async () => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a");
    const env = { ...workspace.env, SESSIONWATCH_TOKEN: "right" };
    const { program, url } = await serve(lane, env, ["--db", archive.path]);
    await using _server = program;
    const args = ["--all", "--server", url, "--initial", "--count", "2"];
    await using client = new Program(lane, args, env);
    expect(await told(client)).toBe("a 1");
    archive.touch("a");
    expect(await told(client)).toBe("a 2");
    expect(await client.exit()).toBe(0);
    await using stranger = new Program(lane, args, { ...env, SESSIONWATCH_TOKEN: "wrong" });
    expect([await stranger.exit(), stranger.stderr]).toEqual([
      1,
      `watch: ${url} answered 401: it does not accept the token; check --token-file or SESSIONWATCH_TOKEN\n`,
    ]);
  });

  test("is sent to no other origin, wherever the server redirects", async () => {
    const seen: (string | null)[] = [];
    using other = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch({ headers }) {
        seen.push(headers.get("authorization"));
        return Response.json({ id: "a", version: "v", message_count: 1 });
      },
    });
    using server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: ({ url }) => Response.redirect(url.replace(/:\d+/, `:${other.port}`), 307),
    });
    const env = { ...workspace.env, SESSIONWATCH_TOKEN: "secret" };
    const url = `http://127.0.0.1:${server.port}`;
    const args = ["a", "--server", url, "--initial", "--count", "1", "--log-level", "debug"];
    await using client = new Program(lane, args, env);
    expect(await client.json()).toMatchObject({ data: "a", message_count: 1 });
    expect([await client.exit(), client.stderr.includes("secret")]).toEqual([0, false]);
    expect(new Set(seen)).toEqual(new Set([null]));
  });
});

/** A server on one port, over one archive, that can be stopped and started again. */
class RestartableServer implements AsyncDisposable {
  readonly #lane: Lane;
  readonly #archive: ForeignArchive;
  #program: Program;
  readonly url: string;

  private constructor(lane: Lane, archive: ForeignArchive, program: Program, url: string) {
    this.#lane = lane;
    this.#archive = archive;
    this.#program = program;
    this.url = url;
  }

  static async start(lane: Lane, archive: ForeignArchive): Promise<RestartableServer> {
    const { program, url } = await serve(lane, workspace.env, ["--db", archive.path]);
    return new RestartableServer(lane, archive, program, url);
  }

  async start(...args: string[]): Promise<void> {
    const { port } = new URL(this.url);
    const where = ["--db", this.#archive.path, "--port", port];
    ({ program: this.#program } = await serve(this.#lane, workspace.env, [...where, ...args]));
  }

  async stop(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    this.#program.kill(signal);
    await this.#program.exit();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#program[Symbol.asyncDispose]();
  }
}

const HEARTBEAT = "event: heartbeat\ndata: 2026-01-01T00:00:00Z\n\n";

/** What agentsview answers for its one session, and the frames of its streams. */
class AgentsviewServer implements Disposable {
  readonly #streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
  #count = 1;
  readonly #server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) =>
      url.includes("/watch") ? this.#stream() : Response.json({ id: "a", message_count: this.#count }),
  });

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  change(): void {
    this.#count += 1;
    this.#tell(`event: session_updated\ndata: a\n\n${HEARTBEAT}`);
  }

  cut(): void {
    for (const stream of this.#streams) stream.close();
    this.#streams.clear();
  }

  [Symbol.dispose](): void {
    void this.#server.stop(true);
  }

  #stream(): Response {
    let controller: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start: (stream) => {
        controller = stream;
        this.#streams.add(stream);
        this.#tell(HEARTBEAT);
      },
      cancel: () => void this.#streams.delete(controller),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  #tell(frame: string): void {
    for (const stream of this.#streams) stream.enqueue(new TextEncoder().encode(frame));
  }
}

function watch(lane: Lane, ...args: string[]): Program {
  return new Program(lane, args, workspace.env);
}

/** `<id> <messages>` or `<id> gone`, of the next line that is no heartbeat. */
async function told(client: Program): Promise<string> {
  const { event, data, message_count } = await client.update();
  return `${String(data)} ${event === "session_deleted" ? "gone" : String(message_count)}`;
}

async function toldSet(client: Program, lines: number): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let line = 0; line < lines; line += 1) seen.add(await told(client));
  return seen;
}

/** The next line tells this count. */
async function reaches(client: Program, count: number): Promise<void> {
  expect(await client.update()).toMatchObject({ event: "session_updated", message_count: count });
}
