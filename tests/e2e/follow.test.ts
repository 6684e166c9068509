/** `watch <id>`, `watch --all`, `list` and `sync`, as a user runs them, in every lane. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { ForeignArchive } from "../support/archives.ts";
import { ClaudeTranscript } from "../support/claude.ts";
import { BINARY, LANES, Program } from "../support/program.ts";
import type { Lane } from "../support/program.ts";
import { Workspace } from "../support/workspace.ts";
import { HOSTILE_IDS } from "../contract/store.ts";

let workspace: Workspace;

beforeEach(() => {
  workspace = new Workspace();
});
afterEach(() => workspace[Symbol.dispose]());

/** Runs a command to its end. */
async function run(lane: Lane, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  await using program = new Program(lane, args, workspace.env);
  const code = await program.exit();
  return { code, stdout: program.stdout, stderr: program.stderr };
}

describe.each(LANES)("watch <id> ($name)", (lane) => {
  const start = (...args: string[]): Program => new Program(lane, args, workspace.env);

  test("prints an update for each change of the transcript, and ends after --count", async () => {
    const transcript = new ClaudeTranscript(workspace.claude).user("hello");
    await using program = start(transcript.id, "--initial", "--count", "3");
    expect(await program.json()).toEqual({
      event: "session_updated",
      data: transcript.id,
      version: expect.stringMatching(/^[\w-]{16}$/),
      message_count: 1,
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
    transcript.assistant("hi");
    expect(await program.json()).toMatchObject({ event: "session_updated", message_count: 2 });
    transcript.user("bye");
    expect(await program.json()).toMatchObject({ event: "session_updated", message_count: 3 });
    expect(await program.exit()).toBe(0);
    expect(program.stdout.split("\n").length).toBe(4);
  });

  test("puts event and data first in each line, as the reference does", async () => {
    const transcript = new ClaudeTranscript(workspace.claude).user("hello");
    const { stdout } = await run(lane, transcript.id, "--initial", "--count", "1");
    expect(stdout).toStartWith(`{"event":"session_updated","data":"${transcript.id}",`);
  });

  test("finds a session by a unique prefix, without its agent's name, and as latest", async () => {
    const older = new ClaudeTranscript(workspace.claude, "aaaa-1").user("one");
    const newer = new ClaudeTranscript(workspace.claude, "bbbb-2").user("two");
    // Both may have been written within one millisecond.
    utimesSync(older.path, 1000, 1000);
    const archive = new ForeignArchive(workspace.path("view.db")).add("codex:019e-77");
    const dataOf = async (...args: string[]): Promise<unknown> =>
      (JSON.parse((await run(lane, ...args, "--initial", "--count", "1")).stdout) as { data: string }).data;
    expect(await dataOf("aaa")).toBe(older.id);
    expect(await dataOf("latest")).toBe(newer.id);
    expect(await dataOf("019e-77", "--db", archive.path)).toBe("codex:019e-77");
    expect(await dataOf("019", "--db", archive.path)).toBe("codex:019e-77");
    archive[Symbol.dispose]();
  });

  test("names the candidates of an ambiguous prefix, and exits with 1", async () => {
    new ClaudeTranscript(workspace.claude, "aaaa-1").user("one");
    new ClaudeTranscript(workspace.claude, "aaaa-2").user("two");
    const { code, stdout, stderr } = await run(lane, "aaaa");
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr.split("\n").toSorted()).toEqual([
      "",
      "  aaaa-1",
      "  aaaa-2",
      "watch: several sessions begin with aaaa:",
    ]);
  });

  test("exits with 4 for an unknown id, before any line", async () => {
    expect(await run(lane, "nobody")).toEqual({
      code: 4,
      stdout: "",
      stderr: "watch: session not found: nobody\n",
    });
    expect(await run(lane, "latest")).toEqual({
      code: 4,
      stdout: "",
      stderr: "watch: there are no sessions yet\n",
    });
  });

  test("ends with 124 after --timeout, 130 on SIGINT, 143 on SIGTERM", async () => {
    const { id } = new ClaudeTranscript(workspace.claude).user("hello");
    expect((await run(lane, id, "--timeout", "50ms")).code).toBe(124);
    for (const [signal, code] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const) {
      await using program = start(id, "--initial");
      await program.line();
      program.kill(signal);
      expect(await program.exit()).toBe(code);
    }
  });

  test("ends silently with 0 when its reader closes the pipe", async () => {
    const transcript = new ClaudeTranscript(workspace.claude).user("hello");
    const command = [...lane.command, transcript.id, "--initial", "--heartbeat", "20ms"];
    const shell = Bun.spawn(["bash", "-c", HEAD, "bash", ...command], {
      env: { ...workspace.env, DENO_DIR: DENO_CACHE },
      stderr: "pipe",
    });
    const lines = (await new Response(shell.stdout).text()).trim().split("\n");
    expect([lines.length, lines[1], await new Response(shell.stderr).text()]).toEqual([2, "0", ""]);
  });

  test("prints a heartbeat after --heartbeat of silence", async () => {
    const { id } = new ClaudeTranscript(workspace.claude).user("hello");
    await using program = start(id, "--heartbeat", "30ms");
    expect(await program.line()).toMatch(
      /^\{"event":"heartbeat","data":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"\}$/,
    );
  });

  test("follows a foreign archive while another process writes, and does not change it", async () => {
    using archive = new ForeignArchive(workspace.path("agentsview", "sessions.db")).add("a");
    await using program = start("a", "--db", `sqlite:${archive.path}`, "--initial");
    expect(await program.json()).toMatchObject({ message_count: 1 });
    archive.touch("a");
    expect(await program.json()).toMatchObject({ message_count: 2 });
    archive.db.exec("UPDATE sessions SET deleted_at = '2026-01-01'");
    expect(await program.json()).toMatchObject({ event: "session_deleted", data: "a" });
    expect(existsSync(workspace.archive)).toBe(false);
  });

  test("prints any id within one line of JSON", async () => {
    using archive = new ForeignArchive(workspace.path("odd.db"));
    // An argument can hold anything but a NUL.
    const ids = HOSTILE_IDS.filter((id) => !id.includes("\0"));
    for (const id of ids) archive.add(id);
    for (const id of ids) {
      const { stdout } = await run(lane, "--db", archive.path, "--initial", "--count", "1", "--", id);
      expect(stdout.trimEnd().split("\n").length).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({ data: id });
    }
    const text = await run(
      lane,
      "--db",
      archive.path,
      "--initial",
      "--count",
      "1",
      "--format",
      "text",
      "--",
      ids[5] ?? "",
    );
    expect(text.stdout.split("\n").length).toBe(2);
    expect((await run(lane, "list", "--db", archive.path)).stdout.split("\n").length).toBe(ids.length + 1);
  });

  test("shows control characters of an unknown id instead of sending them to the terminal", async () => {
    const { stderr } = await run(lane, "\u001b[2Jx\u202e");
    expect(stderr).toBe("watch: session not found: \\u001b[2Jx\\u202e\n");
  });

  test("--no-sync reads the archive and never looks at transcripts", async () => {
    const transcript = new ClaudeTranscript(workspace.claude).user("hello");
    expect((await run(lane, transcript.id, "--no-sync", "--initial", "--count", "1")).code).toBe(4);
    await run(lane, "sync");
    transcript.assistant("unseen");
    const { stdout } = await run(lane, transcript.id, "--no-sync", "--initial", "--count", "1");
    expect(JSON.parse(stdout)).toMatchObject({ message_count: 1 });
  });

  test("--format text prints a line for people", async () => {
    const { id } = new ClaudeTranscript(workspace.claude).user("hello");
    const { stdout } = await run(lane, id, "--initial", "--count", "1", "--format", "text");
    expect(stdout).toMatch(new RegExp(`^\\d\\d:\\d\\d:\\d\\d  updated    1 messages  ${id}\n$`));
  });

  test("follows a session that has the name of a command after --", async () => {
    new ClaudeTranscript(workspace.claude, "serve").user("hello");
    const { code, stdout } = await run(lane, "--initial", "--count", "1", "--", "serve");
    expect([code, (JSON.parse(stdout) as { data: string }).data]).toEqual([0, "serve"]);
  });

  test("reports an outage of the archive and its end", async () => {
    using archive = new ForeignArchive(workspace.path("locked.db"), { journal: "delete" }).add("a");
    await using program = start("a", "--db", archive.path, "--initial", "--poll-interval", "50ms");
    await program.line();
    // The program may be reading at this moment.
    archive.db.exec("PRAGMA busy_timeout = 5000; BEGIN EXCLUSIVE; UPDATE sessions SET message_count = 9");
    expect(await program.json()).toEqual({
      event: "degraded",
      data: `Cannot read archive ${JSON.stringify(archive.path)}: database is locked`,
    });
    archive.db.exec("COMMIT");
    expect(await program.json()).toMatchObject({ event: "recovered" });
    expect(await program.json()).toMatchObject({ event: "session_updated", message_count: 9 });
  });
});

describe.each(LANES)("watch --all ($name)", (lane) => {
  const start = (...args: string[]): Program => new Program(lane, ["--all", ...args], workspace.env);

  test("follows every session, including those that start later", async () => {
    const present = new ClaudeTranscript(workspace.claude, "present").user("hello");
    await using program = start("--heartbeat", "30ms", "--count", "4");
    // Present sessions are no update.
    expect(await program.json()).toMatchObject({ event: "heartbeat" });
    present.assistant("hi");
    const update = await program.update();
    expect(Object.keys(update)).toEqual(["event", "data", "version", "message_count", "at"]);
    expect(update).toMatchObject({ event: "session_updated", data: "present", message_count: 2 });
    const later = new ClaudeTranscript(workspace.claude, "later", "-another-folder").user("hello");
    expect(await program.update()).toMatchObject({ data: "later", message_count: 1 });
    later.assistant("hi");
    expect(await program.update()).toMatchObject({ data: "later", message_count: 2 });
    present.user("bye");
    expect(await program.update()).toMatchObject({ data: "present", message_count: 3 });
    expect(await program.exit()).toBe(0);
  });

  test("--initial begins with each present session, oldest activity first", async () => {
    new ClaudeTranscript(workspace.claude, "young").user("one").user("later");
    const old = new ClaudeTranscript(workspace.claude, "old").user("one");
    await using program = start("--initial", "--count", "3");
    expect(await program.json()).toMatchObject({ data: "old", message_count: 1 });
    expect(await program.json()).toMatchObject({ data: "young", message_count: 2 });
    old.assistant("hi");
    expect(await program.json()).toMatchObject({ data: "old", message_count: 2 });
    expect(await program.exit()).toBe(0);
  });

  test("--initial neither misses nor repeats a change during the start", async () => {
    using archive = new ForeignArchive(workspace.path("view.db"));
    for (let index = 0; index < 2500; index += 1) archive.add(`s${index}`);
    await using program = start("--db", archive.path, "--initial", "--no-sync");
    const counts = new Map<unknown, unknown>();
    for (let round = 2; counts.size < 2500; round += 1) {
      archive.touch("s1").touch("s2499");
      const { data, message_count } = await program.update();
      expect(counts.get(data)).not.toBe(message_count);
      counts.set(data, message_count);
    }
    const last = archive.db.prepare("SELECT message_count FROM sessions WHERE id = 's1'").get();
    while (counts.get("s1") !== last?.["message_count"]) {
      const { data, message_count } = await program.update();
      expect(counts.get(data)).not.toBe(message_count);
      counts.set(data, message_count);
    }
  });

  test("reports only sessions that match the filter", async () => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a", "one").add("b", "two");
    archive.db.exec("UPDATE sessions SET machine = 'elsewhere', agent = 'codex' WHERE id = 'b'");
    for (const [flag, value] of [
      ["--project", "two"],
      ["--agent", "codex"],
      ["--machine", "elsewhere"],
    ] as const) {
      await using program = start("--db", archive.path, flag, value, "--initial", "--count", "2");
      expect(await program.json()).toMatchObject({ data: "b" });
      archive.touch("a").touch("b");
      expect(await program.json()).toMatchObject({ data: "b" });
      expect(await program.exit()).toBe(0);
    }
  });

  test("reports deletions, and an outage of the archive and its end", async () => {
    using archive = new ForeignArchive(workspace.path("view.db"), { journal: "delete" }).add("a").add("b");
    await using program = start("--db", archive.path, "--initial", "--poll-interval", "50ms");
    await program.line();
    await program.line();
    archive.db.exec("DELETE FROM sessions WHERE id = 'a'");
    expect(await program.json()).toMatchObject({ event: "session_deleted", data: "a" });
    // The program may be reading at this moment.
    archive.db.exec("PRAGMA busy_timeout = 5000; BEGIN EXCLUSIVE; UPDATE sessions SET message_count = 9");
    expect(await program.json()).toMatchObject({ event: "degraded" });
    archive.db.exec("COMMIT");
    expect(await program.json()).toMatchObject({ event: "recovered" });
    expect(await program.json()).toMatchObject({ data: "b", message_count: 9 });
  });

  test("waits if there are no sessions yet, and ends on a timeout or signal", async () => {
    expect(await run(lane, "--all", "--initial", "--timeout", "100ms")).toEqual({
      code: 124,
      stdout: "",
      stderr: "",
    });
    await using program = start("--heartbeat", "20ms");
    await program.line();
    program.kill("SIGTERM");
    expect(await program.exit()).toBe(143);
  });

  test("ends silently with 0 when its reader closes the pipe", async () => {
    const command = [...lane.command, "--all", "--heartbeat", "20ms"];
    const shell = Bun.spawn(["bash", "-c", HEAD, "bash", ...command], {
      env: { ...workspace.env, DENO_DIR: DENO_CACHE },
      stderr: "pipe",
    });
    const lines = (await new Response(shell.stdout).text()).trim().split("\n");
    expect([lines.length, lines[1], await new Response(shell.stderr).text()]).toEqual([2, "0", ""]);
  });

  test("--format text names the session", async () => {
    new ClaudeTranscript(workspace.claude, "some-id").user("hello");
    const { stdout } = await run(lane, "--all", "--initial", "--count", "1", "--format", "text");
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d  updated    1 messages  some-id\n$/);
  });
});

describe.each(LANES)("bad input ($name)", (lane) => {
  test("wrong usage is one line, and exit code 2", async () => {
    const cases: [args: string[], stderr: string][] = [
      [[], "missing <id>: name a session, as in `watch latest`, or see `watch --help`"],
      [["--bogus", "x"], "unknown option '--bogus' (see `watch --help`)"],
      [["x", "--timeout", "5"], "Use a duration such as 500ms, 5s, 2m or 1h. (see `watch --help`)"],
      [["x", "--count", "0"], "Use a whole number from 1 to 9007199254740991. (see `watch --help`)"],
      [["x", "--format", "xml"], "Allowed choices are ndjson, text. (see `watch --help`)"],
      [["serve", "--port", "70000"], "Use a whole number from 0 to 65535. (see `watch --help`)"],
      [["x", "y"], "too many arguments"],
      [["x", "--all"], "use either <id> or --all: --all follows every session"],
      [["x", "--agent", "codex"], "--agent needs --all"],
      [["--project", "demo"], "--project needs --all"],
      [["x", "--token-file", "/t"], "--token-file needs --server"],
      [
        ["--all", "--server", "http://u:hunter2@h"],
        "--server: a user name or password in the URL is not supported",
      ],
      [
        ["x", "--db", "mysql://u:hunter2@h/d"],
        'unknown scheme "mysql:"; use sqlite:, file:, postgres:, postgresql:, or the path of a file',
      ],
      [
        ["x", "--server", "nonsense"],
        '--server: not a URL: "nonsense"; use one such as http://127.0.0.1:7373',
      ],
    ];
    for (const [args, expected] of cases) {
      const { code, stdout, stderr } = await run(lane, ...args);
      expect([args, code, stdout]).toEqual([args, 2, ""]);
      expect(stderr).toContain(expected);
      expect(stderr.trimEnd().split("\n").length).toBe(1);
      expect(stderr).not.toContain("hunter2");
    }
  });

  test("a file that is not an archive is one line, and exit code 1", async () => {
    const text = workspace.path("notes.txt");
    writeFileSync(text, "dear diary, ".repeat(100));
    mkdirSync(workspace.path("folder.db"));
    using other = new ForeignArchive(workspace.path("other.db"), { journal: "delete" });
    other.db.exec("DROP TABLE sessions");
    await run(lane, "list");
    const newer = new DatabaseSync(workspace.archive);
    newer.exec("PRAGMA user_version = 7");
    newer.close();
    const cases = [
      [other.path, "it has no sessions table"],
      [
        workspace.archive,
        "it was written by a newer sessionwatch (schema 7; this one knows 3): upgrade watch",
      ],
      [workspace.path("missing.db"), "it does not exist"],
      [workspace.path("folder.db"), "it is a directory"],
      [text, "it is not a SQLite database"],
    ] as const;
    for (const [path, why] of cases) {
      const expected = `watch: Cannot read archive ${JSON.stringify(path)}: ${why}\n`;
      expect(await run(lane, "x", "--db", `sqlite:${path}`)).toEqual({
        code: 1,
        stdout: "",
        stderr: expected,
      });
    }
  });
});

describe.each(LANES)("watch list, sync ($name)", (lane) => {
  test("list shows sessions, newest first, as lines or as one JSON object", async () => {
    new ClaudeTranscript(workspace.claude, "first").user("one").user("later");
    new ClaudeTranscript(workspace.claude, "second").user("two");
    const text = await run(lane, "list");
    expect(text.code).toBe(0);
    expect(text.stdout.split("\n").map((line) => line.split("  ")[0])).toEqual(["first", "second", ""]);
    const json = JSON.parse((await run(lane, "list", "--format", "json", "--limit", "1")).stdout) as object;
    expect(json).toMatchObject({
      sessions: [{ id: "first", message_count: 2, project: "demo_app" }],
      total: 2,
    });
  });

  test("sync imports new lines once, and a single transcript or session on request", async () => {
    const transcript = new ClaudeTranscript(workspace.claude, "first").user("one");
    expect((await run(lane, "sync")).stdout).toMatch(/^synced 1 transcript, 0\.0 MB in \d+\.\d s\n$/);
    expect((await run(lane, "sync")).stdout).toMatch(/^synced 0 transcripts/);
    transcript.assistant("two");
    expect((await run(lane, "sync", transcript.path)).code).toBe(0);
    transcript.user("three");
    expect((await run(lane, "sync", "fir")).code).toBe(0);
    const { stdout } = await run(lane, "list", "--no-sync", "--format", "json");
    expect(JSON.parse(stdout)).toMatchObject({ sessions: [{ message_count: 3 }] });
    expect((await run(lane, "sync", "nobody")).code).toBe(4);
  });

  test("--version and --help print to standard output", async () => {
    expect(await run(lane, "--version")).toMatchObject({ code: 0, stdout: "0.1.0\n" });
    const { code, stdout } = await run(lane, "--help");
    expect(code).toBe(0);
    for (const word of ["--initial", "serve", "list", "sync", "--poll-interval", "Exit codes"])
      expect(stdout).toContain(word);
    expect((await run(lane, "serve", "--help")).stdout).toContain("--port");
  });
});

describe.each(LANES)("common flags ($name)", (lane) => {
  test("SESSIONWATCH_DB names the archive, and --db overrides it", async () => {
    using one = new ForeignArchive(workspace.path("one.db")).add("1");
    using two = new ForeignArchive(workspace.path("two.db")).add("2");
    const first = async (...args: string[]): Promise<string> => {
      await using program = new Program(lane, ["list", ...args], {
        ...workspace.env,
        SESSIONWATCH_DB: one.path,
      });
      await program.exit();
      return program.stdout.slice(0, 1);
    };
    expect([await first(), await first("--db", two.path)]).toEqual(["1", "2"]);
  });

  test("empty variables are ignored", async () => {
    new ClaudeTranscript(workspace.claude, "ours").user("hello");
    await using program = new Program(lane, ["list", "--format", "json"], {
      ...workspace.env,
      SESSIONWATCH_DB: "",
      SESSIONWATCH_MACHINE: "",
    });
    expect([await program.exit(), program.stderr]).toEqual([0, ""]);
    expect(JSON.parse(program.stdout)).toMatchObject({ sessions: [{ id: "ours", machine: "local" }] });
  });

  test("--log-format json makes every line of the log an object", async () => {
    await using program = new Program(
      lane,
      ["serve", "--port", "0", "--max-streams", "1", "--log-format", "json"],
      workspace.env,
    );
    expect(JSON.parse(await program.complaint())).toMatchObject({
      level: "INFO",
      message: expect.stringMatching(/^listening on http:\/\/127\.0\.0\.1:\d+$/),
    });
  });

  test("a stack trace is shown with --log-level debug, and only then", async () => {
    const args = ["x", "--db", workspace.path("missing.db")];
    expect((await run(lane, ...args)).stderr.trimEnd().split("\n").length).toBe(1);
    expect((await run(lane, ...args, "--log-level", "debug")).stderr).toMatch(/\n\s+at /);
  });
});

describe("the binary", () => {
  test("reports a failed write, and exits with 1, when the disk is full", async () => {
    using archive = new ForeignArchive(workspace.path("view.db")).add("a");
    for (const args of [["list"], ["a", "--initial"]]) {
      const full = Bun.spawn([...BINARY.command, ...args, "--db", archive.path], {
        env: workspace.env,
        stdout: Bun.file("/dev/full"),
        stderr: "pipe",
      });
      expect([await full.exited, await new Response(full.stderr).text()]).toEqual([
        1,
        expect.stringMatching(/^watch: Cannot write: .*ENOSPC/),
      ]);
    }
  });

  test("runs no code from the folder in which it is started", async () => {
    const folder = workspace.path("strange");
    mkdirSync(folder);
    const mark = workspace.path("mark");
    writeFileSync(`${folder}/evil.ts`, `require("node:fs").writeFileSync(${JSON.stringify(mark)}, "run")`);
    writeFileSync(`${folder}/bunfig.toml`, 'preload = ["./evil.ts"]\n[test]\npreload = ["./evil.ts"]\n');
    writeFileSync(`${folder}/.env`, "SESSIONWATCH_DB=mysql://evil\n");
    await using program = new Program(BINARY, ["list"], workspace.env, folder);
    expect([await program.exit(), existsSync(mark)]).toEqual([0, false]);
  });
});

/** Closes the pipe after a line, and prints the exit code of the command. */
const HEAD = '"$@" | head -n 1; echo "${PIPESTATUS[0]}"';
const DENO_CACHE = `${import.meta.dir}/../../node_modules/.deno-cache`;
