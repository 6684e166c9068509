/** Runs the program as a user does: the compiled binary, or the sources on Deno. */

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const ROOT = join(import.meta.dir, "../..");

export interface Lane {
  name: string;
  command: string[];
}

export const BINARY: Lane = { name: "binary", command: [join(ROOT, "dist/watch")] };
export const DENO: Lane = {
  name: "deno",
  command: [join(ROOT, "node_modules/.bin/deno"), "run", "-A", join(ROOT, "src/main.ts")],
};
/** The end-to-end suites run on each. */
export const LANES: readonly Lane[] = [BINARY, DENO];

/** How long (ms) anything may take before a test calls it lost; less than a test may take, which could not say what. */
const OPERATION_MS = 40_000;

export class Program implements AsyncDisposable {
  readonly #process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #stdout = new Lines();
  readonly #stderr = new Lines();

  constructor(lane: Lane, args: string[], env: Record<string, string>, cwd?: string) {
    this.#process = Bun.spawn([...lane.command, ...args], {
      env: {
        ...env,
        NO_COLOR: "1",
        DENO_NO_UPDATE_CHECK: "1",
        DENO_DIR: process.env["DENO_DIR"] ?? join(ROOT, "node_modules/.deno-cache"),
      },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      ...(cwd === undefined ? {} : { cwd }),
    });
    void this.#stdout.readFrom(this.#process.stdout);
    void this.#stderr.readFrom(this.#process.stderr);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Resolves to the exit code, however long that takes. */
  get ended(): Promise<number> {
    return this.#process.exited;
  }

  /** The next line of standard output. */
  line(): Promise<string> {
    return within(this.#stdout.next(), () => `a line on stdout; stderr: ${this.stderr}`);
  }

  async json(): Promise<Record<string, unknown>> {
    return JSON.parse(await this.line()) as Record<string, unknown>;
  }

  /** The next line of standard output that is no heartbeat. */
  async update(): Promise<Record<string, unknown>> {
    for (;;) {
      const event = await this.json();
      if (event["event"] !== "heartbeat") return event;
    }
  }

  /** The next line of standard error. */
  complaint(): Promise<string> {
    return within(this.#stderr.next(), () => "a line on stderr");
  }

  /** Everything so far. */
  get stdout(): string {
    return this.#stdout.text;
  }

  get stderr(): string {
    return this.#stderr.text;
  }

  kill(signal: "SIGINT" | "SIGTERM" | "SIGKILL"): void {
    this.#process.kill(signal);
  }

  /** The exit code, once all output was read. */
  async exit(): Promise<number> {
    const code = await within(this.#process.exited, () => `the end of the program; stderr: ${this.stderr}`);
    await Promise.all([this.#stdout.ended, this.#stderr.ended]);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }
}

/** Starts `watch serve` on a free port. @returns it and its address once it listens. */
export async function serve(
  lane: Lane,
  env: Record<string, string>,
  args: string[] = [],
): Promise<{ program: Program; url: string }> {
  const program = new Program(lane, ["serve", "--port", "0", ...args], env);
  for (;;) {
    const url = /listening on (http:[^\s"]+)/.exec(await program.complaint())?.[1];
    if (url !== undefined) return { program, url };
  }
}

/** Waits until the server at `url` has a session. */
export async function listed(url: string, id: string): Promise<void> {
  await until(
    async () => (await fetch(`${url}/api/v1/sessions/${id}`)).ok,
    () => `session ${id} in the list`,
  );
}

/** @throws when `promise` takes too long; `what` says what was waited for. */
export async function within<T>(promise: Promise<T>, what: () => string): Promise<T> {
  let timer: Timer | undefined;
  const tooLong = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what()}`)), OPERATION_MS);
  });
  try {
    return await Promise.race([promise, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks again and again. @throws when it takes too long for `holds` to hold; `what` says what was waited for. */
export async function until(holds: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  const isSo = await within(seen(holds, OPERATION_MS), what);
  if (!isSo) throw new Error(`waited in vain for ${what()}`);
}

/** @returns whether it came to hold in time (ms). */
export async function seen(holds: () => boolean | Promise<boolean>, patienceMs: number): Promise<boolean> {
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await sleep(1))
    if (await holds()) return true;
  return await holds();
}

class Lines {
  text = "";
  readonly ended: Promise<void>;
  #end: () => void;
  #done = false;
  #taken = 0;
  #wake: (() => void) | null = null;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
  }

  async readFrom(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      this.text += decoder.decode(chunk, { stream: true });
      this.#wake?.();
    }
    this.#done = true;
    this.#end();
    this.#wake?.();
  }

  async next(): Promise<string> {
    for (;;) {
      const end = this.text.indexOf("\n", this.#taken);
      if (end >= 0) {
        const line = this.text.slice(this.#taken, end);
        this.#taken = end + 1;
        return line;
      }
      if (this.#done) throw new Error("the stream has ended");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
