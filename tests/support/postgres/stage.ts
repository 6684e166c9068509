/** A server that streams a PostgreSQL archive to a crowd while it goes on changing, and a proxy in between. */

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "bun:test";
import { openStore } from "../../../src/mod.ts";
import { ReconnectingConnection } from "../../../src/stores/postgres/connect/reconnecting-connection.ts";
import { plainAddress } from "./plain-address.ts";
import { PostgresForeignArchive } from "./foreign-archive.ts";
import type { PostgresServer } from "./server.ts";
import { Program, serve, until } from "../program.ts";
import type { Lane } from "../program.ts";
import { Proxy } from "../proxy.ts";
import { openCrowd } from "../sse-crowd.ts";
import type { CrowdClient } from "../sse-crowd.ts";
import { Workspace } from "../workspace.ts";
import { systemClock } from "../../../src/runtime/clock.ts";

export interface StageOptions {
  lane: Lane;
  /** Whether the archive has triggers. */
  isTold: boolean;
  /** @default the superuser */
  user?: string;
}

/** In every URL: nothing that any program says may hold it. */
export const PASSWORD = "hunter2-and-more";
const IDS = Array.from({ length: 20 }, (_, index) => `s${index}`);
/** Between two changes of the archive, in ms. */
const PACE_MS = 20;
/** From the beginning of a failure until all clients know of it, in ms. */
const DEGRADED_MS = 5000;
/** How long (ms) a program may take to end. */
const STOP_MS = 2000;
/** How long (ms) a probe, or a client that joins in an outage, may wait for an answer, with a margin for the machine. */
const REFUSAL_MS = 2500 + 500;
const PROBE_MS = 2000 + 500;
/** Polls are 1.5 s apart: updates in more moments than these within that time come from notifications. */
const HEARD = { forMs: 1500, momentMs: 100, moments: 8 };

export class Stage implements AsyncDisposable {
  /** What is written to: another one after a failover. */
  archive: PostgresForeignArchive;
  readonly server: PostgresServer;
  readonly proxy: Proxy;
  /** Of the archive, through the proxy. */
  readonly url: string;
  readonly #lane: Lane;
  readonly #isTold: boolean;
  readonly #workspace = new Workspace();
  readonly #programs: Program[] = [];
  #crowd: CrowdClient[] = [];
  #address = "";
  #changes = 0;
  #writing: Promise<void> = Promise.resolve();
  #stopWriting = new AbortController();

  private constructor(
    server: PostgresServer,
    archive: PostgresForeignArchive,
    proxy: Proxy,
    options: StageOptions,
  ) {
    const { lane, isTold, user = "postgres" } = options;
    this.server = server;
    this.archive = archive;
    this.proxy = proxy;
    this.url = `postgres://${user}:${PASSWORD}@127.0.0.1:${proxy.port}/${archive.database}`;
    this.#lane = lane;
    this.#isTold = isTold;
  }

  /** @returns a stage on which everybody has their places, and the archive changes. */
  static async set(server: PostgresServer, options: StageOptions): Promise<Stage> {
    const archive = await PostgresForeignArchive.create(server);
    for (const id of IDS) await archive.add(id);
    if (options.isTold) await archive.tell();
    if (options.user !== undefined) {
      await archive.sql.unsafe(`CREATE ROLE ${options.user} LOGIN PASSWORD '${PASSWORD}';
        GRANT USAGE ON SCHEMA ${archive.schema} TO ${options.user};
        GRANT SELECT ON ALL TABLES IN SCHEMA ${archive.schema} TO ${options.user}`);
    }
    const stage = new Stage(server, archive, await Proxy.before(archive.url), options);
    try {
      const served = await serve(stage.#lane, stage.#workspace.env, ["--db", stage.url]);
      stage.#programs.push(served.program);
      stage.#address = served.url;
      stage.#crowd = await openCrowd(served.url, IDS);
      stage.write();
      return stage;
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Goes on until `rest()`, whatever fails. */
  write(): void {
    const { signal } = (this.#stopWriting = new AbortController());
    const { url } = this.archive;
    const statement = `UPDATE ${this.archive.table("sessions")}
      SET message_count = message_count + 1, updated_at = now() WHERE id = $1`;
    this.#writing = (async () => {
      // postgres.js by itself does not come back from every one of these failures.
      const link = new ReconnectingConnection(plainAddress(url), systemClock, { purpose: "test" });
      for (let turn = 0; !signal.aborted; turn += 1) {
        try {
          await link.query(statement, [IDS[turn % IDS.length] ?? ""]);
          this.#changes += 1;
        } catch {
          // That the archive fails is what this is about.
        }
        await sleep(PACE_MS);
      }
      await link.close();
    })();
  }

  /** Resolves when no write is running. */
  async rest(): Promise<void> {
    this.#stopWriting.abort();
    await this.#writing;
  }

  /**
   * Has the archive fail until everybody knows it, ends programs in that state, and has it go on.
   *
   * @param begin resolves when it cannot be read any more.
   * @param meanwhile while everybody knows.
   */
  async outage(
    begin: () => Promise<unknown>,
    meanwhile: () => Promise<unknown>,
    end: () => Promise<unknown>,
  ): Promise<void> {
    const [bystander, follower] = await this.#bystanders();
    const toldBefore = this.#crowd.map(({ statuses }) => statuses.length);
    const beganMs = performance.now();
    await begin();
    const told = (client: CrowdClient, index: number) => client.statuses[toldBefore[index] ?? 0];
    await until(
      () => this.#crowd.every((client, index) => told(client, index) !== undefined),
      () => `all clients to know of the outage: ${this.#stderr}`,
    );
    for (const [index, client] of this.#crowd.entries()) {
      const status = told(client, index);
      expect(status?.event).toBe("degraded");
      expect((status?.atMs ?? Infinity) - beganMs).toBeLessThan(DEGRADED_MS);
      expect(status?.reason).toMatch(/^Cannot read archive "postgres:\/\/[^"@]+": [^\n]+$/);
    }
    await Promise.all([
      this.#isRefused(),
      this.#isNotReady(),
      meanwhile(),
      ends(bystander, 0),
      ends(follower, 143),
    ]);
    await end();
    await until(
      () => this.#crowd.every(({ statuses }) => statuses.at(-1)?.event === "recovered"),
      () => `all clients to know of its end: ${this.#stderr}`,
    );
    // What it was asked before then may still be under way.
    await until(
      async () => (await fetch(`${this.#address}/readyz`)).status === 200,
      () => `the server to be ready: ${this.#stderr}`,
    );
  }

  /** The reason that was told last. */
  get reason(): string {
    return this.#crowd[0]?.statuses.findLast(({ event }) => event === "degraded")?.reason ?? "";
  }

  /** Resolves after some more changes. */
  async moreChanges(count = 50): Promise<void> {
    const enough = this.#changes + count;
    await until(
      () => this.#changes >= enough,
      () => "the archive to be written to",
    );
  }

  /** All clients know the present state, got no false update, and no program printed what it should not. */
  async curtain(): Promise<void> {
    await this.moreChanges();
    if (this.#isTold) await this.#isHeard();
    await this.rest();
    const { store } = await openStore(this.archive.url);
    const states = await store.states(IDS);
    await store.close();
    const behind = (): string[] =>
      this.#crowd.flatMap(({ ids, told }, index) =>
        ids
          .filter((id) => told.get(id) !== states.get(id)?.version)
          .map((id) => `client ${index}, session ${id}`),
      );
    await until(
      () => behind().length === 0,
      () => `everybody to know everything; ${behind().slice(0, 5).join("; ")}: ${this.#stderr}`,
    );
    for (const { deleted, ended, statuses } of this.#crowd) {
      expect({ deleted, ended }).toEqual({ deleted: [], ended: null });
      expect(statuses.at(-1)?.event).not.toBe("degraded");
    }
    const [server] = this.#programs;
    if (server !== undefined) await ends(server, 0);
    for (const { stderr } of this.#programs) {
      expect(stderr).not.toMatch(/unhandled|uncaught|^\s+at |TypeError|panic/im);
      expect(stderr).not.toContain(PASSWORD);
    }
  }

  /** A probe gets the answer that the archive cannot be read. */
  async isNotReady(): Promise<void> {
    expect((await fetch(`${this.#address}/readyz`)).status).toBe(503);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rest();
    for (const client of this.#crowd) client[Symbol.dispose]();
    await Promise.all(this.#programs.map((program) => program[Symbol.asyncDispose]()));
    await this.proxy[Symbol.asyncDispose]();
    await this.archive[Symbol.asyncDispose]();
    this.#workspace[Symbol.dispose]();
  }

  /** Another server, and a client that follows a session without one. */
  async #bystanders(): Promise<[Program, Program]> {
    const { env } = this.#workspace;
    const follower = new Program(this.#lane, ["s0", "--db", this.url, "--initial"], env);
    this.#programs.push(follower);
    const { program, url } = await serve(this.#lane, env, ["--db", this.url]);
    this.#programs.push(program);
    const client = await openClient(url);
    client[Symbol.dispose]();
    await follower.line();
    return [program, follower];
  }

  /** Changes come one by one again, and not in the rhythm of polls. */
  async #isHeard(): Promise<void> {
    const all = this.#crowd.at(-1);
    const moments = (): Set<number> => {
      const sinceMs = performance.now() - HEARD.forMs;
      const recent = all?.updatedMs.filter((ms) => ms > sinceMs) ?? [];
      return new Set(recent.map((ms) => Math.floor(ms / HEARD.momentMs)));
    };
    await until(
      () => moments().size >= HEARD.moments,
      () => `changes to be heard of; ${moments().size} of ${HEARD.moments} moments`,
    );
  }

  async #isRefused(): Promise<void> {
    const beganMs = performance.now();
    const answer = await fetch(`${this.#address}/api/v1/sessions/unknown/watch`);
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(performance.now() - beganMs).toBeLessThan(REFUSAL_MS);
  }

  async #isNotReady(): Promise<void> {
    const beganMs = performance.now();
    await this.isNotReady();
    expect(performance.now() - beganMs).toBeLessThan(PROBE_MS);
  }

  get #stderr(): string {
    return this.#programs.map(({ stderr }) => stderr).join("\n");
  }
}

/** Its sessions as they are, for another archive. */
export async function dump(archive: PostgresForeignArchive): Promise<string> {
  const [row] = await archive.sql.unsafe<{ rows: string }[]>(
    `SELECT json_agg(s)::text AS rows FROM ${archive.table("sessions")} s`,
  );
  return row?.rows ?? "[]";
}

/** @param rows what `dump` gave. */
export async function restore(archive: PostgresForeignArchive, rows: string): Promise<void> {
  const table = archive.table("sessions");
  await archive.sql.unsafe(
    `INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, $1::text::json)`,
    [rows],
  );
}

async function ends(program: Program, code: number): Promise<void> {
  const beganMs = performance.now();
  program.kill("SIGTERM");
  expect(await program.exit()).toBe(code);
  expect(performance.now() - beganMs).toBeLessThan(STOP_MS);
}

async function openClient(url: string): Promise<CrowdClient> {
  const [client, ...others] = await openCrowd(url, ["s0"]);
  for (const other of others) other[Symbol.dispose]();
  if (client === undefined) throw new Error("nobody has come");
  return client;
}
