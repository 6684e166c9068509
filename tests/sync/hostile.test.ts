/** What else may be where transcripts are: damage, garbage, things that are no files. Real files, the real engine. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  closeSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { diskFiles } from "../../src/sync/reading/files.ts";
import type { Files } from "../../src/sync/reading/files.ts";
import { MAX_LINE_BYTES } from "../../src/sync/reading/lines.ts";
import { ClaudeTranscript } from "../support/claude.ts";
import { hurriedClock } from "../support/clock.ts";
import { BINARY, DENO, Program, serve } from "../support/program.ts";
import { SyncedArchive } from "../support/synced.ts";
import type { SyncedOptions } from "../support/synced.ts";
import { notLinux, testUnless } from "../support/unless.ts";
import { Workspace } from "../support/workspace.ts";

const MIB = 2 ** 20;
const NOBODY = 65_534;

let workspace: Workspace;
let synced: SyncedArchive;
let transcript: ClaudeTranscript;
beforeEach(() => {
  workspace = new Workspace();
  synced = archive();
  transcript = new ClaudeTranscript(workspace.claude, "session");
});
afterEach(async () => {
  await synced[Symbol.asyncDispose]();
  workspace[Symbol.dispose]();
});

describe("a line that cannot be read is skipped and counted, and those around it are kept:", () => {
  const half = JSON.stringify({ type: "user", message: { content: "lost" } }).slice(0, -9);
  const damages: [what: string, line: string | Uint8Array, count: number][] = [
    ["garbage", "garbage", 1],
    ["half a record", half, 1],
    ["an open brace", "{", 1],
    ["a list, a number, null", '[{"type":"user"}]\n7\nnull', 3],
    ["NULs", "\0".repeat(5000), 1],
    ["bytes of a program", Uint8Array.from({ length: 4096 }, (_, at) => (at * 7) % 256 || 1), 17],
    ["invalid UTF-8 outside of strings", Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d), 1],
    ["a record that is 100,000 deep", `{"type":"user","a":${'{"a":'.repeat(100_000)}`, 1],
    ["lists that are 100,000 deep", "[".repeat(100_000), 1],
    ["keys without end", '{"type"'.repeat(100_000), 1],
  ];

  test.each(damages)("%s", async (_what, line, count) => {
    transcript.user("one").write(line).write("\n").user("two");
    await synced.sync(transcript.path);
    expect(synced.texts("session")).toEqual(["one", "two"]);
    expect(malformedLines()).toBe(count);
  });

  test("an input of a tool that is 100,000 deep", async () => {
    const call = JSON.stringify(transcript.assistantRecord([{ type: "tool_use", input: { deep: 0 } }], "m"));
    const input = `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`;
    transcript
      .user("one")
      .write(`${call.replace('"deep":0', `"deep":${input}`)}\n`)
      .user("two");
    await synced.sync(transcript.path);
    expect(synced.texts("session")).toEqual(["one", "two"]);
    expect(malformedLines()).toBe(1);
  });

  test("a line of more than 64 MiB, of which nothing is held on to", async () => {
    transcript.user("one");
    // A hole in the file costs no disk, and reads as NUL bytes.
    truncateSync(transcript.path, 2 * MAX_LINE_BYTES);
    transcript.write("\n").user("two");
    await synced.sync(transcript.path);
    expect(synced.texts("session")).toEqual(["one", "two"]);
    expect(malformedLines()).toBe(1);
  });
});

describe("what is odd, but can be read, is read:", () => {
  const record = (text: string): string => JSON.stringify(transcript.userRecord(text));

  test("CRLF, and carriage returns alone", async () => {
    transcript.write(`${record("one")}\r\n\r\n${record("two")} \r\n`);
    await expectTexts(["one", "two"]);
  });

  test("byte order marks", async () => {
    transcript.write(`\ufeff${record("one")}\n\ufeff\n\ufeff${record("\ufefftwo")}\n`);
    await expectTexts(["one", "\ufefftwo"]);
  });

  test("invalid UTF-8, NULs and halves of surrogate pairs in a text, as U+FFFD", async () => {
    const [before = "", after = ""] = record("a|b").split("|");
    transcript.write(before).write(Uint8Array.of(0xff, 0xc3)).write(`${after}\n`);
    transcript.write(`${record("a|b").replace("|", String.raw`\u0000\ud800\u0000`)}\n`);
    await expectTexts(["a\ufffd\ufffdb", "a\ufffd\ufffd\ufffdb"]);
  });

  test("an empty file, and one of blanks", async () => {
    transcript.write("");
    await expectTexts([]);
    transcript.write(" \n\t\r\n\u2028\n\n");
    await expectTexts([]);
  });

  test("a million blank lines", async () => {
    transcript.user("one").write("\n".repeat(1_000_000)).user("two");
    await expectTexts(["one", "two"]);
  });

  test("a line of 60 MiB, complete", async () => {
    const text = `begin ${"é\n".repeat(15 * MIB)} end`;
    transcript.user("one").user(text).user("two");
    await synced.sync(transcript.path);
    const [, long, last] = synced.texts("session");
    // Not with a matcher: it would print both.
    expect([long === text, last, malformedLines()]).toEqual([true, "two", 0]);
  });

  test("times that are out of order or absurd", async () => {
    const times = ["2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"];
    const absurd = ["+275760-09-13T00:00:00Z", "-000001-01-01T00:00:00Z", "2", "later", "", 5, null, {}];
    for (const [index, timestamp] of [...times, ...absurd].entries())
      transcript.append({ ...transcript.userRecord(`${index}`), timestamp });
    await expectTexts([...times, ...absurd].map((_, index) => `${index}`));
    expect(synced.query("SELECT started_at, ended_at FROM sessions")).toEqual([
      { started_at: "2026-01-01T00:00:00.000Z", ended_at: "9999-12-31T23:59:59.999Z" },
    ]);
    const { sessions } = await synced.archive.list();
    expect(sessions[0]?.["ended_at"]).toBe("9999-12-31T23:59:59.999Z");
  });

  test("numbers of tokens that no archive can add up, as none", async () => {
    for (const count of ["9007199254740993", "1e308", "1e999", "-1"]) {
      const line = JSON.stringify(transcript.assistantRecord([{ type: "text", text: count }], count, 1234));
      transcript.write(
        `${line.replace("1234", count).replace('"input_tokens":3', `"input_tokens":${count}`)}\n`,
      );
    }
    await synced.sync(transcript.path);
    // An archive that holds one whose numbers are too large for a reader could not be listed at all.
    const { sessions } = await synced.archive.list();
    expect(sessions[0]).toMatchObject({ message_count: 4, total_output_tokens: 0, peak_context_tokens: 120 });
    expect(await synced.archive.messages("session")).toHaveLength(4);
  });

  async function expectTexts(texts: readonly string[]): Promise<void> {
    await synced.sync(transcript.path);
    expect(synced.texts("session")).toEqual([...texts]);
    expect(malformedLines()).toBe(0);
  }
});

describe("a folder of transcripts", () => {
  test("may hold anything: only files are opened", async () => {
    const opened = watchOpens();
    transcript.user("one");
    const folder = dirname(transcript.path);
    const place = (name: string): string => join(folder, `${name}.jsonl`);

    symlinkSync(place("loop"), place("loop"));
    symlinkSync(place("ping"), place("pong"));
    symlinkSync(place("pong"), place("ping"));
    symlinkSync("..", join(folder, "up"));
    symlinkSync(folder, join(folder, "self.jsonl"));
    symlinkSync("/dev/zero", place("zero"));
    symlinkSync(place("nothing"), place("dangling"));
    mkdirSync(place("folder"));
    makeFifo(place("fifo"));
    symlinkSync(place("fifo"), place("link-to-fifo"));
    if (process.getuid?.() === 0) spawnSync("mknod", [place("device"), "c", "1", "5"]);
    const socket = createServer();
    await new Promise<void>((resolve) => socket.listen(place("socket"), resolve));
    let isConnected = false;
    socket.on("connection", () => (isConnected = true));
    for (let index = 0; index < 5000; index += 1) writeFileSync(join(folder, `note-${index}.txt`), "");

    // A writer waits at a FIFO until somebody opens it for reading.
    const writer = spawn("sh", ["-c", `echo woken > '${place("fifo")}'`], { stdio: "ignore" });
    try {
      const { failures, filesDone } = await synced.engine.syncAll();
      expect([failures, filesDone]).toEqual([[], 1]);
      for (const name of ["fifo", "link-to-fifo", "socket", "device", "zero", "loop", "folder", "dangling"])
        expect([name, await synced.sync(place(name))]).toEqual([name, false]);
      expect(opened).toEqual({ [transcript.path]: 1 });
      expect(synced.query("SELECT id FROM sessions")).toEqual([{ id: "session" }]);
      expect([writer.exitCode, isConnected]).toEqual([null, false]);
    } finally {
      await ended(writer);
      socket.close();
    }
  });

  test("may hold links to files: they are read as what they lead to", async () => {
    transcript.user("one");
    const hidden = workspace.path("elsewhere.jsonl");
    copyFileSync(transcript.path, hidden);
    symlinkSync(hidden, join(dirname(transcript.path), "link.jsonl"));
    linkSync(transcript.path, join(dirname(transcript.path), "hard.jsonl"));
    const { failures } = await synced.engine.syncAll();
    expect(failures).toEqual([]);
    for (const id of ["session", "link", "hard"]) expect(synced.texts(id)).toEqual(["one"]);
    appendFileSync(hidden, `${JSON.stringify(transcript.userRecord("two"))}\n`);
    await synced.engine.syncAll();
    expect(synced.texts("link")).toEqual(["one", "two"]);
  });

  test("may swap a file for a FIFO between a look and the opening: nobody hangs, nothing is lost", async () => {
    transcript.user("one");
    let isSwapped = false;
    const files: Files = {
      ...diskFiles,
      open(path) {
        if (!isSwapped) {
          rmSync(path);
          makeFifo(path);
          isSwapped = true;
        }
        return diskFiles.open(path);
      },
    };
    synced = archive({ files });
    const watchdog = setTimeout(() => closeSync(openSync(transcript.path, "r+")), 5000);
    expect(await synced.sync(transcript.path)).toBe(false);
    clearTimeout(watchdog);
    expect(synced.query("SELECT id FROM sessions")).toEqual([]);
    rmSync(transcript.path);
    expect(await synced.sync(transcript.user("two").path)).toBe(true);
    expect(synced.texts("session")).toEqual(["two"]);
  });

  test("may name sessions as it likes", async () => {
    const names = [
      "..",
      ". .",
      "~",
      "-rf",
      "back\\slash",
      "%2e%2e%2f",
      "new\nline\r\u2028",
      "esc\u001b[2J",
      "quote'\"",
      "__proto__",
      "constructor",
      "ünïcödé-会话-🦀",
      '{"event":"x"}',
      "x".repeat(255 - ".jsonl".length),
    ];
    for (const name of names) new ClaudeTranscript(workspace.claude, name).user(`of ${name}`);
    const { failures } = await synced.engine.syncAll();
    expect(failures).toEqual([]);
    for (const name of names) expect(synced.texts(name)).toEqual([`of ${name}`]);
    const { total } = await synced.archive.list();
    expect(total).toBe(names.length);
  });

  test("may hold records whose ids are paths: nothing but transcripts is looked at for them", async () => {
    const opened = watchOpens();
    const path = "../../../../../../etc/passwd";
    const call = transcript.assistantRecord([{ type: "tool_use", id: path, name: "Task", input: {} }], path);
    const result = transcript.userRecord([{ type: "tool_result", tool_use_id: path, content: "done" }]);
    transcript.append({ ...call, sessionId: path, uuid: path });
    transcript.append({ ...result, sessionId: path, toolUseResult: { agentId: path } });
    await synced.engine.syncAll();
    await synced.engine.sync(`agent-${path}`);
    await synced.engine.sync(path);
    expect(opened).toEqual({ [transcript.path]: 1 });
    expect(synced.query("SELECT subagent_session_id AS id FROM tool_calls")).toEqual([
      { id: `agent-${path}` },
    ]);
    expect(synced.query("SELECT parent_session_id AS id FROM sessions")).toEqual([{ id: path }]);
  });
});

describe("the binary", () => {
  /** So many of each: a flood, if each had a line. */
  const MANY = 1000;

  test("list marks sessions with malformed lines", () => {
    transcript.user("three of them").write("{\n[\nx\n");
    new ClaudeTranscript(workspace.claude, "single").user("one of them").write("{\n");
    new ClaudeTranscript(workspace.claude, "clean").user("none");
    new ClaudeTranscript(workspace.claude, "untitled").write("{\n");
    const { stdout, exitCode } = run(["list"]);
    expect(exitCode).toBe(0);
    const endings = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/ .*demo_app/, ""));
    expect(endings.sort()).toEqual([
      "clean  none",
      "session  three of them  (3 malformed lines)",
      "single  one of them  (1 malformed line)",
      expect.stringMatching(/^untitled .* 0 {2}\(1 malformed line\)$/),
    ]);
    const { sessions } = JSON.parse(run(["list", "--format", "json"]).stdout) as { sessions: object[] };
    expect(sessions).toContainEqual(expect.objectContaining({ id: "session", parser_malformed_lines: 3 }));
  });

  test("sync tells of thousands of damaged transcripts in two lines", () => {
    const env = damageMany();
    const { stdout, stderr, exitCode } = run(["sync"], env);
    expect(exitCode).toBe(1);
    expect(stdout).toEndWith(`${MANY} failed\n`);
    expect(stderr.trimEnd().split("\n")).toEqual([
      expect.stringMatching(/warning: Cannot read transcript .*; and 999 more like it$/),
      expect.stringMatching(/warning: skipped 1 malformed line in .*; and 999 more like it$/),
    ]);
  });

  test("serve tells of thousands of damaged transcripts in two lines", async () => {
    const { program } = await serve(BINARY, damageMany());
    await using _ = program;
    const warnings = [await program.complaint(), await program.complaint()];
    program.kill("SIGTERM");
    expect(await program.exit()).toBe(0);
    expect(program.stderr.match(/warning/g)).toHaveLength(2);
    for (const warning of warnings) expect(warning).toEndWith("; and 999 more like it");
  });

  test.each([BINARY, DENO].map((lane) => [lane.name, lane] as const))(
    "sync is not held up by FIFOs and garbage (%s)",
    async (_name, lane) => {
      transcript.user("one").write(`{"a":${'{"a":'.repeat(100_000)}\n`);
      makeFifo(join(dirname(transcript.path), "fifo.jsonl"));
      await using program = new Program(lane, ["sync"], workspace.env);
      expect(await program.exit()).toBe(0);
      expect(program.stdout).toStartWith("synced 1 transcript,");
    },
  );

  test("sync passes by what an ordinary user may not read, and says so once", () => {
    transcript.user("one");
    const secret = new ClaudeTranscript(workspace.claude, "secret").user("two");
    const inFolder = new ClaudeTranscript(workspace.claude, "hidden", "locked").user("three");
    chmodSync(secret.path, 0o000);
    chmodSync(dirname(inFolder.path), 0o000);
    // Where the binary was built, and this archive is, nobody else may be able to go.
    const watch = workspace.path("watch");
    copyFileSync(BINARY.command[0] ?? "", watch);
    for (const path of [watch, workspace.folder, workspace.home, workspace.claude]) chmodSync(path, 0o755);
    const data = workspace.path("data-of-nobody");
    mkdirSync(data);
    chmodSync(data, 0o777);
    const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
    const env = { ...workspace.env, SESSIONWATCH_DATA_DIR: data };
    const { stdout, stderr, status } = spawnSync(watch, ["sync"], {
      ...user,
      env,
      cwd: "/",
      encoding: "utf8",
    });
    chmodSync(dirname(inFolder.path), 0o755);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^synced 1 transcript, .* 2 failed\n$/);
    expect(stderr).toMatch(/^watch: warning: Cannot read folder ".*locked": .*; and 1 more like it\n$/);
  });

  testUnless(notLinux())("holds on to nothing of lines that are too long", async () => {
    transcript.user("one");
    truncateSync(transcript.path, 300 * MIB);
    transcript.write("\n");
    const { program } = await serve(BINARY, workspace.env);
    await using _ = program;
    expect(await program.complaint()).toContain("skipped 1 malformed line");
    const [, peakKiB] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${program.pid}/status`, "utf8")) ?? [];
    expect(Number(peakKiB) / 1024).toBeLessThan(256);
  });

  function damageMany(): Record<string, string> {
    for (let index = 0; index < MANY; index += 1) {
      new ClaudeTranscript(workspace.claude, `damaged-${index}`).user("one").write("{\n");
      const id = `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`;
      const folder = workspace.path("codex", "sessions");
      if (index === 0) mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `rollout-2026-01-01T00-00-00-${id}.jsonl.zst`), "no zstd");
    }
    return { ...workspace.env, CODEX_HOME: workspace.path("codex") };
  }
});

function archive(options: SyncedOptions = {}): SyncedArchive {
  return new SyncedArchive(workspace.path("sessions.db"), workspace.claude, {
    clock: hurriedClock,
    ...options,
  });
}

/** @returns how often each path was opened since. */
function watchOpens(): Record<string, number> {
  const opened: Record<string, number> = {};
  const files: Files = {
    ...diskFiles,
    open(path) {
      opened[path] = (opened[path] ?? 0) + 1;
      return diskFiles.open(path);
    },
  };
  synced = archive({ files });
  return opened;
}

function malformedLines(): number {
  const [row] = synced.query("SELECT parser_malformed_lines AS count FROM sessions WHERE id = 'session'");
  return Number(row?.["count"]);
}

function makeFifo(path: string): void {
  const { status, stderr } = spawnSync("mkfifo", [path], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

async function ended(child: ChildProcess): Promise<void> {
  const exit = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGKILL");
  await exit;
}

interface Ran {
  stdout: string;
  stderr: string;
  exitCode: number;
}

function run(args: string[], env = workspace.env): Ran {
  const { stdout, stderr, exitCode } = Bun.spawnSync([...BINARY.command, ...args], { env });
  return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode };
}
