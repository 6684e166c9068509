/** A machine of several that share an archive: transcripts of its own, and the program over the archive that all of them have. */

import { ClaudeTranscript } from "../claude.ts";
import { BINARY, Program, serve } from "../program.ts";
import type { Lane } from "../program.ts";
import { OnTerminal } from "../terminal.ts";
import { Workspace } from "../workspace.ts";

/** How a command has ended, and what it has said. */
export interface Said {
  code: number;
  stdout: string;
  stderr: string;
}

export interface MachineOptions {
  /** The URL of the archive. */
  db: string;
  /** @default the host's */
  name?: string;
  /** @default the compiled binary */
  lane?: Lane;
}

export class SharedMachine implements Disposable {
  readonly #workspace = new Workspace();
  readonly #lane: Lane;
  readonly #env: Record<string, string>;

  constructor({ db, name, lane = BINARY }: MachineOptions) {
    this.#lane = lane;
    this.#env = {
      ...this.#workspace.env,
      SESSIONWATCH_DB: db,
      ...(name === undefined ? {} : { SESSIONWATCH_MACHINE: name }),
    };
  }

  /** Where its agent's configuration is. */
  get claude(): string {
    return this.#workspace.claude;
  }

  transcript(id?: string): ClaudeTranscript {
    return new ClaudeTranscript(this.claude, id);
  }

  /** Writes transcripts of two messages each. @param bytes of the second one. @returns their ids. */
  writeMany(prefix: string, count: number, bytes = 100): string[] {
    const ids = Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
    for (const id of ids) this.transcript(id).user("hello").assistant("x".repeat(bytes));
    return ids;
  }

  start(...args: string[]): Program {
    return new Program(this.#lane, args, this.#env);
  }

  /** Runs a command to its end. */
  async run(...args: string[]): Promise<Said> {
    await using program = this.start(...args);
    const code = await program.exit();
    return { code, stdout: program.stdout, stderr: program.stderr };
  }

  /** Starts `watch serve` on a free port. */
  serve(...args: string[]): ReturnType<typeof serve> {
    return serve(this.#lane, this.#env, args);
  }

  onTerminal(...args: string[]): OnTerminal {
    const stdout = this.#workspace.path(`stdout-${crypto.randomUUID()}`);
    return new OnTerminal(this.#lane, args, this.#env, stdout);
  }

  [Symbol.dispose](): void {
    this.#workspace[Symbol.dispose]();
  }
}
