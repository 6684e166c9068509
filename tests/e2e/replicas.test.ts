/**
 * Many replicas: 300 clients of three servers over one archive in PostgreSQL, while servers, database and connections die
 * and come back, and somebody writes all the time. In the end everybody knows what is so, and nobody was told wrongly.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { DELETED } from "../../src/session/session.ts";
import { ArchiveScribe } from "../support/postgres/archive-scribe.ts";
import { Dice } from "../support/dice.ts";
import { samplesOf } from "../support/exposition.ts";
import { PostgresServer } from "../support/postgres/server.ts";
import { PostgresForeignArchive } from "../support/postgres/foreign-archive.ts";
import { until } from "../support/program.ts";
import { Replicas } from "../support/postgres/replicas.ts";
import { Wanderer } from "../support/postgres/wanderer.ts";
import type { Followed } from "../support/postgres/wanderer.ts";
import { scaled } from "../support/scale.ts";
import { Workspace } from "../support/workspace.ts";

/** SESSIONWATCH_TEST_SEED throws the dice of a failure again; the processes' own timing cannot be had again. */
const SEED = Number(process.env["SESSIONWATCH_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const CHAOS_MS = 1000 * Number(process.env["SESSIONWATCH_CHAOS_SECONDS"] ?? scaled(60, 12));
const CLIENTS_OF_EACH_KIND = 100;
const REPLICAS = 3;
const SESSIONS = ids("s", 60);
const QUIET = ids("quiet-", 5);
/** These are not there at first. */
const LATECOMERS = ids("late-", 20);
/** Longest lives (ms), and longest times without one. */
const REPLICA = { lifeMs: 5000, downMs: 1500 };
const DATABASE = { lifeMs: scaled(14_000, 6000), downMs: 3000 };
const CONNECTIONS = { lifeMs: 6000 };
const MB = 1024 * 1024;

let workspace: Workspace;
let server: PostgresServer;
let archive: PostgresForeignArchive;
let replicas: Replicas;

beforeEach(async () => {
  workspace = new Workspace();
  server = await PostgresServer.start();
  archive = await PostgresForeignArchive.create(server);
  await archive.tell();
  for (const id of [...SESSIONS, ...QUIET]) await archive.add(id);
  replicas = await Replicas.start(archive.url, workspace.env, REPLICAS);
}, 60_000);
afterEach(async () => {
  await replicas[Symbol.asyncDispose]();
  await archive[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  workspace[Symbol.dispose]();
});

test(
  "300 clients of 3 replicas that die, over a database that dies, lose nothing",
  async () => {
    const dice = new Dice(SEED);
    const survivor = dice.below(REPLICAS);
    const clients = makeClients(dice);
    const wandering = clients.map((client) => client.wander());
    const over = new AbortController();
    try {
      await until(
        () => clients.every(({ waitsFor }) => waitsFor === null),
        () => "all clients to be connected",
      );
      const before = await figuresOf(survivor);
      const startedMs = performance.now();
      const scribe = new ArchiveScribe(archive, [...SESSIONS, ...LATECOMERS], new Dice(SEED + 1));
      const chaos = [
        scribe.write(over.signal),
        killReplicas(survivor, new Dice(SEED + 2), over.signal),
        killDatabase(new Dice(SEED + 3), over.signal),
        killConnections(new Dice(SEED + 4), over.signal),
      ];
      await Promise.race([Promise.all(chaos), sleep(CHAOS_MS)]);
      for (const client of clients) client.rest();
      over.abort();
      await Promise.all(chaos);

      const calmMs = performance.now();
      const chaosMs = calmMs - startedMs;
      const truth = await readTruth();
      const wrong = (): string[] => clients.flatMap((client, index) => wrongWith(client, index, truth));
      await until(
        () => wrong().length === 0,
        () => `everybody to know: ${[wrong().length, ...wrong().slice(0, 10)].join("; ")}`,
      );
      const caughtUpMs = performance.now() - calmMs;
      const after = await figuresOf(survivor);
      report({ clients, scribe, chaosMs, caughtUpMs, before, after });

      expect(clients.flatMap(({ faults }) => faults)).toEqual([]);
      expect(after.files - after.streams).toBeLessThan(before.files - before.streams + 20);
      expect(after.bytes).toBeLessThan(before.bytes + 150 * MB);
      await Promise.all(replicas.ports.map((_port, index) => replicas.end(index, "SIGTERM")));
      expect(replicas.deaths.filter(({ signal, code }) => signal === "SIGTERM" && code !== 0)).toEqual([]);
      expect(replicas.deaths.slice(-REPLICAS).filter(({ tookMs }) => tookMs > 2000)).toEqual([]);
      expect(replicas.said.split("\n").filter((line) => !EXPECTED.test(line))).toEqual([]);
    } catch (error) {
      console.error(`SESSIONWATCH_TEST_SEED=${SEED}`);
      throw error;
    } finally {
      over.abort();
      for (const client of clients) client.stop();
      await Promise.all(wandering);
    }
  },
  CHAOS_MS + 60_000,
);

/** All that a replica may say on standard error; a database that is away, only before it listens. */
const EXPECTED =
  /^$|^watch: (listening on \S+|stopping with \d+ streams open|Cannot read archive "[^"]+": [^\n]+)$/;

function makeClients(dice: Dice): Wanderer[] {
  const options = { ports: replicas.ports, quiet: new Set(QUIET) };
  const followable = [...SESSIONS, ...QUIET];
  return Array.from({ length: 3 * CLIENTS_OF_EACH_KIND }, (_, index) => {
    const followed: Followed[] = [
      { one: dice.pick(followable) },
      { some: someOf(followable, 5, dice) },
      "all",
    ];
    return new Wanderer(followed[index % 3] ?? "all", { ...options, dice: new Dice(SEED + 100 + index) });
  });
}

/** One after the other, never the survivor. */
async function killReplicas(survivor: number, dice: Dice, signal: AbortSignal): Promise<void> {
  const mortals = replicas.ports.keys().filter((index) => index !== survivor);
  await Promise.all(
    [...mortals].map(async (index) => {
      while (await lives(dice.below(REPLICA.lifeMs), signal)) {
        await replicas.end(index, dice.pick(["SIGTERM", "SIGKILL"]));
        await sleep(dice.below(REPLICA.downMs));
        await replicas.launch(index);
      }
    }),
  );
}

async function killDatabase(dice: Dice, signal: AbortSignal): Promise<void> {
  while (await lives(dice.below(DATABASE.lifeMs), signal)) {
    await server.stop(dice.pick(["fast", "immediate"]));
    await sleep(dice.below(DATABASE.downMs));
    await server.resume();
  }
}

/** Of some replicas to the database. */
async function killConnections(dice: Dice, signal: AbortSignal): Promise<void> {
  while (await lives(dice.below(CONNECTIONS.lifeMs), signal)) {
    const killed = archive.sql.unsafe(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name LIKE 'sessionwatch %' ORDER BY random() LIMIT ${1 + dice.below(3)}`,
    );
    // The database may be away: then there are none.
    await killed.catch(() => []);
  }
}

/** @returns whether it is time to die: not if the signal came first. */
async function lives(ms: number, signal: AbortSignal): Promise<boolean> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}

/** @returns the version of each session that there is; what all replicas agree on. */
async function readTruth(): Promise<Map<string, string>> {
  const lists = await Promise.all(replicas.urls.map(listOf));
  const rows = await archive.sql.unsafe<{ id: string }[]>(
    `SELECT id FROM ${archive.table("sessions")} WHERE deleted_at IS NULL`,
  );
  const kept = rows.map(({ id }) => id).toSorted();
  for (const list of lists) {
    expect(list.map(([id]) => id).toSorted()).toEqual(kept);
    expect(list).toEqual(lists[0] ?? []);
  }
  return new Map(lists[0]);
}

async function listOf(url: string): Promise<[id: string, version: string][]> {
  let list: { sessions: { id: string; version: string }[] } | null = null;
  await until(
    async () => {
      // Its connections to the database may just have been lost.
      const answer = await fetch(`${url}/api/v1/sessions?limit=1000`);
      list = answer.ok ? ((await answer.json()) as typeof list) : null;
      return answer.ok;
    },
    () => `the list of ${url}`,
  );
  const { sessions } = list ?? { sessions: [] };
  return sessions.map(({ id, version }): [string, string] => [id, version]).toSorted();
}

function wrongWith(client: Wanderer, index: number, truth: ReadonlyMap<string, string>): string[] {
  if (client.waitsFor !== null) return [`client ${index} waits for ${client.waitsFor}`];
  return [...SESSIONS, ...QUIET, ...LATECOMERS]
    .filter((id) => client.follows(id) && client.versionOf(id) !== (truth.get(id) ?? DELETED))
    .map((id) => `client ${index} knows ${id} as ${client.versionOf(id)}, not ${truth.get(id) ?? DELETED}`);
}

interface Figures {
  streams: number;
  files: number;
  bytes: number;
}

async function figuresOf(replica: number): Promise<Figures> {
  const samples = samplesOf(await (await fetch(`${replicas.urls[replica]}/metrics`)).text());
  return {
    streams: samples.get("sessionwatch_subscribers") ?? 0,
    files: samples.get("process_open_fds") ?? 0,
    bytes: samples.get("process_resident_memory_bytes") ?? 0,
  };
}

interface Run {
  clients: readonly Wanderer[];
  scribe: ArchiveScribe;
  chaosMs: number;
  caughtUpMs: number;
  before: Figures;
  after: Figures;
}

/** For those who want to know what there was: SESSIONWATCH_CHAOS_REPORT=1. */
function report({ clients, scribe, ...figures }: Run): void {
  if (process.env["SESSIONWATCH_CHAOS_REPORT"] === undefined) return;
  const sum = (of: (client: Wanderer) => number): number =>
    clients.reduce((total, client) => total + of(client), 0);
  console.error({
    seed: SEED,
    commits: scribe.commits,
    failures: scribe.failures,
    deaths: replicas.deaths.length,
    slowestEndMs: Math.max(...replicas.deaths.map(({ tookMs }) => tookMs)),
    connections: sum(({ connections }) => connections),
    refusals: sum(({ refusals }) => refusals),
    resets: sum(({ resets }) => resets),
    updates: sum(({ updates }) => updates),
    regressions: sum(({ regressions }) => regressions),
    ...figures,
  });
}

function ids(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

function someOf(ids: readonly string[], count: number, dice: Dice): string[] {
  const chosen = new Set<string>();
  while (chosen.size < count) chosen.add(dice.pick(ids));
  return [...chosen];
}
