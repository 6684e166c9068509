/** The output of `watch sync`: a bar on a terminal while it runs, and one line at its end. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, copyFileSync } from "node:fs";
import { join } from "node:path";
import { ClaudeTranscript } from "../support/claude.ts";
import { BINARY, LANES, Program } from "../support/program.ts";
import type { Lane } from "../support/program.ts";
import { makeSlowArchive } from "../support/slow-archive.ts";
import { OnTerminal } from "../support/terminal.ts";
import type { TerminalOptions } from "../support/terminal.ts";
import { Workspace } from "../support/workspace.ts";

const NOBODY = 65_534;
/**
 * Transcripts, and how long (ms) each of them takes: together far longer than a bar waits to be shown (300 ms), and each
 * so short that Deno sees a signal between them.
 */
const MANY = { transcripts: 100, bytes: 4000, sessionMs: 6 };

let workspace: Workspace;

beforeEach(() => {
  workspace = new Workspace();
});
afterEach(() => workspace[Symbol.dispose]());

/** Writes transcripts, and makes the archive one that needs long for them. */
async function takeLong(): Promise<void> {
  writeMany();
  await makeSlowArchive(workspace.archive, MANY.sessionMs);
}

function writeMany(): void {
  for (let n = 0; n < MANY.transcripts; n += 1)
    new ClaudeTranscript(workspace.claude, `session-${n}`).user("hello").assistant("x".repeat(MANY.bytes));
}

function start(
  lane: Lane,
  args: string[],
  env: Record<string, string> = {},
  options?: TerminalOptions,
): OnTerminal {
  const stdoutPath = workspace.path(`stdout-${crypto.randomUUID()}`);
  return new OnTerminal(lane, args, { ...workspace.env, ...env }, stdoutPath, options);
}

describe.each(LANES)("watch sync ($name)", (lane) => {
  test("draws a bar on a terminal, and erases it at the end", async () => {
    await takeLong();
    await using program = start(lane, ["sync"]);
    expect(await program.bar()).toMatch(
      /^syncing {2}█*░+ +\d+\/100 files {2}\d\.\d\/\d\.\d MB +\d+\.\d MB\/s +\d+:\d\d left$/,
    );
    expect(await program.exit()).toBe(0);
    expect(program.stdout).toMatch(/^synced 100 transcripts, [^\n]+\n$/);
    expect(Math.max(...program.bars.map(({ length }) => length))).toBeLessThan(80);
    expect([program.hasCursor, program.afterTheBar]).toEqual([true, ""]);
  });

  test("restores the cursor when a signal ends it", async () => {
    const ends = [
      ["SIGINT", (program: OnTerminal) => program.type("\u0003")],
      ["SIGINT", (program: OnTerminal) => program.kill("SIGINT")],
      ["SIGTERM", (program: OnTerminal) => program.kill("SIGTERM")],
    ] as const;
    writeMany();
    for (const [index, [signal, end]] of ends.entries()) {
      // An archive of its own: what one of them has synced, the next one need not sync.
      const data = workspace.path(`data-${index}`);
      await makeSlowArchive(join(data, "sessions.db"), MANY.sessionMs);
      await using program = start(lane, ["sync"], { SESSIONWATCH_DATA_DIR: data });
      await program.bar();
      expect(program.hasCursor).toBe(false);
      end(program);
      expect([await program.exit(), program.hasCursor, program.stdout]).toEqual([signal, true, ""]);
    }
  });

  test("fits the bar to the terminal, also after a resize", async () => {
    await takeLong();
    await using program = start(lane, ["sync"], {}, { columns: 200 });
    const wide = await program.bar();
    expect([wide.length > 90, wide.length < 200]).toEqual([true, true]);
    program.resize(40);
    expect(await program.bar(({ length }) => length < 40)).toMatch(/^█*░+ +\d+\/100 files +\d+:\d\d left$/);
  });

  test("shows no bar if there is little or nothing to do", async () => {
    new ClaudeTranscript(workspace.claude).user("hello");
    for (const synced of ["synced 1 transcript,", "synced 0 transcripts,"]) {
      await using program = start(lane, ["sync"]);
      expect([await program.exit(), program.text]).toEqual([0, ""]);
      expect(program.stdout).toStartWith(synced);
    }
  });
});

describe("watch sync (binary)", () => {
  test("prints one line at the end, and nothing else without a terminal", async () => {
    writeMany();
    await using first = new Program(BINARY, ["sync"], workspace.env);
    expect([await first.exit(), first.stderr]).toEqual([0, ""]);
    expect(first.stdout).toMatch(/^synced 100 transcripts, \d\.\d MB in \d+\.\d s\n$/);
    await using second = new Program(BINARY, ["sync"], workspace.env);
    expect([await second.exit(), second.stderr]).toEqual([0, ""]);
    expect(second.stdout).toMatch(/^synced 0 transcripts, 0\.0 MB in \d+\.\d s\n$/);
  });

  test("draws nothing on a terminal that can only append", async () => {
    await takeLong();
    await using program = start(BINARY, ["sync"], { TERM: "dumb" });
    expect([await program.exit(), program.text]).toEqual([0, ""]);
  });
});

describe("watch list (binary)", () => {
  test("draws the same bar while it syncs", async () => {
    await takeLong();
    await using program = start(BINARY, ["list", "--limit", "1"]);
    await program.bar();
    expect([await program.exit(), program.hasCursor]).toEqual([0, true]);
    expect(program.stdout.split("\n").length).toBe(2);
  });
});

describe("watch sync, run by an ordinary user", () => {
  /** Where the binary was built, or the archive is, nobody else may be able to go. */
  function asNobody(): { lane: Lane; options: TerminalOptions } {
    const copy = workspace.path("watch");
    copyFileSync(BINARY.command[0] ?? "", copy);
    chmodSync(copy, 0o755);
    for (const folder of [workspace.folder, workspace.home]) chmodSync(folder, 0o777);
    const isRoot = process.getuid?.() === 0;
    if (isRoot) for (const path of [workspace.data, workspace.archive]) chownSync(path, NOBODY, NOBODY);
    return { lane: { name: "binary", command: [copy] }, options: isRoot ? { uid: NOBODY } : {} };
  }

  test("names unreadable transcripts after the bar is erased, and counts them", async () => {
    await takeLong();
    const secret = new ClaudeTranscript(workspace.claude, "secret").user("hello");
    chmodSync(secret.path, 0o000);
    // The newest is synced first: what it tells must wait for the whole run.
    new ClaudeTranscript(workspace.claude, "torn").write("garbage\n").user("hello");
    const { lane, options } = asNobody();
    await using program = start(lane, ["sync"], {}, options);
    expect(await program.exit()).toBe(1);
    expect(program.bars.length).toBeGreaterThan(0);
    expect(program.afterTheBar.split("\r\n")).toEqual([
      expect.stringMatching(/^watch: warning: Cannot read transcript ".+secret\.jsonl": /),
      expect.stringMatching(/^watch: warning: skipped 1 malformed line in ".+torn\.jsonl"$/),
      "",
    ]);
    expect(program.stdout).toMatch(/^synced 101 transcripts, \d\.\d MB in \d+\.\d s, 1 failed\n$/);
  });
});
