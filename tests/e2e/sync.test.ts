/** What `watch sync` tells: a bar on a terminal while it lasts, and one line at its end. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, existsSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { ClaudeTranscript } from "../support/claude.ts";
import { BINARY, LANES, Program, within } from "../support/program.ts";
import type { Lane } from "../support/program.ts";
import { Workspace } from "../support/workspace.ts";

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const ERASE_BAR = "\u001b[2K\u001b[1A\u001b[2K\u001b[G";
const NOBODY = 65_534;
/** So many take several times as long to sync as a bar waits to be shown. */
const MANY = 1200;

let many: Workspace;
let workspace: Workspace;

beforeAll(() => {
  many = new Workspace();
  for (let index = 0; index < MANY; index += 1) {
    new ClaudeTranscript(many.claude, `session-${index}`).user("hello").assistant("hi");
  }
});
afterAll(() => many[Symbol.dispose]());

beforeEach(() => {
  workspace = new Workspace();
});
afterEach(() => workspace[Symbol.dispose]());

/** What a child process sees that has much to sync, into an archive of its own. */
function muchToDo(): Record<string, string> {
  return { ...workspace.env, CLAUDE_CONFIG_DIR: many.claude };
}

/** The program with its standard error on a terminal, and its standard output in a file. */
class OnTerminal implements AsyncDisposable {
  /** All that was written to the terminal. */
  screen = "";
  readonly #stdout = workspace.path("stdout");
  readonly #process: Bun.Subprocess;
  readonly #closed = Promise.withResolvers<void>();
  #wake: () => void = () => undefined;

  constructor(
    lane: Lane,
    args: string[],
    env: Record<string, string>,
    options: { columns?: number; uid?: number } = {},
  ) {
    const { columns = 80, uid } = options;
    const decoder = new TextDecoder();
    this.#process = Bun.spawn(
      ["sh", "-c", 'out=$1; shift; exec "$@" > "$out"', "sh", this.#stdout, ...lane.command, ...args],
      {
        env: { TERM: "xterm-256color", DENO_NO_UPDATE_CHECK: "1", ...env },
        cwd: "/",
        ...(uid === undefined ? {} : { uid, gid: uid }),
        terminal: {
          cols: columns,
          rows: 24,
          data: (_terminal, bytes) => {
            this.screen += decoder.decode(bytes, { stream: true });
            this.#wake();
          },
          exit: () => this.#closed.resolve(),
        },
      },
    );
  }

  /** What there was to read, whether or not it was erased later. Deno erases its own bar before we start. */
  get text(): string {
    return Bun.stripANSI(this.screen);
  }

  /** The bars that were drawn, each a line. */
  get bars(): string[] {
    return this.text.match(/[^\r\n]*[█░]+[^\r\n]*/g) ?? [];
  }

  get stdout(): string {
    return existsSync(this.#stdout) ? readFileSync(this.#stdout, "utf8") : "";
  }

  /** Whether the cursor can be seen, after all that was written. */
  get hasCursor(): boolean {
    return this.screen.lastIndexOf(SHOW_CURSOR) >= this.screen.lastIndexOf(HIDE_CURSOR);
  }

  /** Resolves with the first bar that `fits`. */
  bar(fits: (bar: string) => boolean = () => true): Promise<string> {
    const waiting = new Promise<string>((resolve) => {
      this.#wake = () => {
        const found = this.bars.find(fits);
        if (found !== undefined) resolve(found);
      };
      this.#wake();
    });
    return within(waiting, () => `a bar on ${JSON.stringify(this.screen)}`);
  }

  type(keys: string): void {
    this.#process.terminal?.write(keys);
  }

  resize(columns: number): void {
    this.#process.terminal?.resize(columns, 24);
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** The exit code, or the signal that ended it. */
  async exit(): Promise<number | NodeJS.Signals> {
    await within(
      this.#process.exited,
      () => `the end of the program; screen: ${JSON.stringify(this.screen)}`,
    );
    await within(this.#closed.promise, () => "the end of what it wrote");
    return this.#process.signalCode ?? this.#process.exitCode ?? Number.NaN;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
    this.#process.terminal?.close();
  }
}

describe.each(LANES.map((lane) => [lane.name, lane] as const))("watch sync (%s)", (_name, lane) => {
  test("says in one line what it did, and nothing more where there is no terminal", async () => {
    await using first = new Program(lane, ["sync"], muchToDo());
    expect([await first.exit(), first.stderr]).toEqual([0, ""]);
    expect(first.stdout).toMatch(/^synced 1200 transcripts, \d\.\d MB in \d+\.\d s\n$/);
    await using second = new Program(lane, ["sync"], muchToDo());
    expect([await second.exit(), second.stderr]).toEqual([0, ""]);
    expect(second.stdout).toMatch(/^synced 0 transcripts, 0\.0 MB in \d+\.\d s\n$/);
  });

  test("draws a bar on a terminal, and takes it away at the end", async () => {
    await using program = new OnTerminal(lane, ["sync"], muchToDo());
    expect(await program.bar()).toMatch(
      /^syncing {2}█*░+ +\d+\/1200 files {2}\d\.\d\/\d\.\d MB +\d+\.\d MB\/s +\d+:\d\d left$/,
    );
    expect(await program.exit()).toBe(0);
    expect(program.stdout).toMatch(/^synced 1200 transcripts, [^\n]+\n$/);
    expect(Math.max(...program.bars.map(({ length }) => length))).toBeLessThan(80);
    expect(program.hasCursor).toBe(true);
    expect(Bun.stripANSI(program.screen.slice(program.screen.lastIndexOf(ERASE_BAR)))).toBe("");
  });

  test("shows no bar where there is little or nothing to do", async () => {
    new ClaudeTranscript(workspace.claude).user("hello");
    for (const synced of ["synced 1 transcript,", "synced 0 transcripts,"]) {
      await using program = new OnTerminal(lane, ["sync"], workspace.env);
      expect([await program.exit(), program.text]).toEqual([0, ""]);
      expect(program.stdout).toStartWith(synced);
    }
  });

  test("gives the cursor back when it is interrupted or ended", async () => {
    const ends = [
      ["SIGINT", (program: OnTerminal) => program.type("\u0003")],
      ["SIGINT", (program: OnTerminal) => program.kill("SIGINT")],
      ["SIGTERM", (program: OnTerminal) => program.kill("SIGTERM")],
    ] as const;
    for (const [signal, end] of ends) {
      await using program = new OnTerminal(lane, ["sync"], muchToDo());
      await program.bar();
      expect(program.hasCursor).toBe(false);
      end(program);
      expect([await program.exit(), program.hasCursor, program.stdout]).toEqual([signal, true, ""]);
    }
  });

  test("fits the bar to the terminal, also when that is resized", async () => {
    await using program = new OnTerminal(lane, ["sync"], muchToDo(), { columns: 200 });
    const wide = await program.bar();
    expect([wide.length > 90, wide.length < 200]).toEqual([true, true]);
    program.resize(40);
    expect(await program.bar(({ length }) => length < 40)).toMatch(/^█*░+ +\d+\/1200 files +\d+:\d\d left$/);
  });

  test("draws nothing on a terminal that can only append", async () => {
    await using program = new OnTerminal(lane, ["sync"], { ...muchToDo(), TERM: "dumb" });
    expect([await program.exit(), program.text]).toEqual([0, ""]);
  });
});

describe("watch list (binary)", () => {
  test("draws the same bar while it syncs", async () => {
    await using program = new OnTerminal(BINARY, ["list", "--limit", "1"], muchToDo());
    await program.bar();
    expect([await program.exit(), program.hasCursor]).toEqual([0, true]);
    expect(program.stdout.split("\n").length).toBe(2);
  });
});

describe("watch sync, run by an ordinary user", () => {
  /** Where the binary was built, or the archive would be, nobody else may be able to go. */
  function asNobody(): { lane: Lane; uid?: number } {
    const copy = workspace.path("watch");
    copyFileSync(BINARY.command[0] ?? "", copy);
    chmodSync(copy, 0o755);
    for (const folder of [workspace.folder, workspace.home]) chmodSync(folder, 0o777);
    for (const folder of [many.folder, many.claude]) chmodSync(folder, 0o755);
    return {
      lane: { name: "binary", command: [copy] },
      ...(process.getuid?.() === 0 ? { uid: NOBODY } : {}),
    };
  }

  test("names what it cannot read when the bar is gone, and counts it", async () => {
    const secret = new ClaudeTranscript(many.claude, "secret").user("hello");
    chmodSync(secret.path, 0o000);
    // The newest is synced first: what it tells must wait for the whole run.
    const torn = new ClaudeTranscript(workspace.claude, "torn").write("garbage\n").user("hello");
    renameSync(torn.path, join(dirname(secret.path), "torn.jsonl"));
    const { lane, ...user } = asNobody();
    await using program = new OnTerminal(lane, ["sync"], muchToDo(), user);
    expect(await program.exit()).toBe(1);
    expect(program.bars.length).toBeGreaterThan(0);
    const afterTheBar = program.screen.slice(program.screen.lastIndexOf(ERASE_BAR));
    expect(Bun.stripANSI(afterTheBar).split("\r\n")).toEqual([
      expect.stringMatching(/^watch: warning: Cannot read transcript ".+secret\.jsonl": /),
      expect.stringMatching(/^watch: warning: skipped 1 malformed line in ".+torn\.jsonl"$/),
      "",
    ]);
    expect(program.stdout).toMatch(/^synced 1201 transcripts, \d\.\d MB in \d+\.\d s, 1 failed\n$/);
  });
});
