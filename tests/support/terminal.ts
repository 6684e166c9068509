/** Runs the program on a terminal. */

import { existsSync, readFileSync } from "node:fs";
import { within } from "./program.ts";
import type { Lane } from "./program.ts";

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const ERASE_BAR = "\u001b[2K\u001b[1A\u001b[2K\u001b[G";

export interface TerminalOptions {
  /** @default 80 */
  columns?: number;
  /** @default ours */
  uid?: number;
}

/** The program with its standard error on a terminal, and its standard output in a file. */
export class OnTerminal implements AsyncDisposable {
  /** All that was written to the terminal. */
  screen = "";
  readonly #stdout: string;
  readonly #process: Bun.Subprocess;
  readonly #closed = Promise.withResolvers<void>();
  #wake: () => void = () => undefined;

  constructor(
    lane: Lane,
    args: string[],
    env: Record<string, string>,
    stdoutPath: string,
    options: TerminalOptions = {},
  ) {
    this.#stdout = stdoutPath;
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

  /** What was written after the bar was taken away for the last time. */
  get afterTheBar(): string {
    return Bun.stripANSI(this.screen.slice(this.screen.lastIndexOf(ERASE_BAR)));
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
