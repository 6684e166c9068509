/** Several `watch serve` of the compiled binary over one archive, each on a port that it keeps through its deaths. */

import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../free-port.ts";
import { BINARY, Program } from "../program.ts";

/** How long (ms) one that cannot start waits before it tries again, as a supervisor would. */
const RETRY_MS = 50;

/** How one life of a replica has ended. */
export interface Death {
  signal: "SIGTERM" | "SIGKILL";
  code: number;
  /** From the signal to the end. */
  tookMs: number;
}

export class Replicas implements AsyncDisposable {
  readonly ports: readonly number[];
  readonly deaths: Death[] = [];
  /** What all that are gone have said on standard error. */
  #said = "";
  readonly #db: string;
  readonly #env: Record<string, string>;
  readonly #programs: (Program | null)[];

  private constructor(db: string, env: Record<string, string>, ports: readonly number[]) {
    this.#db = db;
    this.#env = env;
    this.ports = ports;
    this.#programs = ports.map(() => null);
  }

  /** @param db the URL of their archive. */
  static async start(db: string, env: Record<string, string>, count: number): Promise<Replicas> {
    const ports: number[] = [];
    for (let index = 0; index < count; index += 1) ports.push(await freePort());
    const replicas = new Replicas(db, env, ports);
    await Promise.all(ports.map((_port, index) => replicas.launch(index)));
    return replicas;
  }

  get urls(): string[] {
    return this.ports.map((port) => `http://127.0.0.1:${port}`);
  }

  /** Everything that any of them has said on standard error. */
  get said(): string {
    return this.#said + this.#programs.map((program) => program?.stderr ?? "").join("");
  }

  /** Resolves when it listens; one whose archive cannot be read ends, and is started again. */
  async launch(index: number): Promise<void> {
    for (;;) {
      const args = ["serve", "--db", this.#db, "--port", String(this.ports[index])];
      const program = new Program(BINARY, args, this.#env);
      this.#programs[index] = program;
      if (await listens(program)) return;
      this.#said += program.stderr;
      await sleep(RETRY_MS);
    }
  }

  /** Resolves when it is gone. */
  async end(index: number, signal: Death["signal"]): Promise<void> {
    const program = this.#programs[index];
    if (program === null || program === undefined) return;
    const startedMs = performance.now();
    program.kill(signal);
    const code = await program.exit();
    this.deaths.push({ signal, code, tookMs: performance.now() - startedMs });
    this.#said += program.stderr;
    this.#programs[index] = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs) await program?.[Symbol.asyncDispose]();
  }
}

async function listens(program: Program): Promise<boolean> {
  const listening = async (): Promise<boolean> => {
    for (;;) if ((await program.complaint()).includes("listening on ")) return true;
  };
  return await Promise.race([program.exit().then(() => false), listening().catch(() => false)]);
}
