/**
 * What replicas, clients, updates and listeners cost one PostgreSQL, and a replica: docs/scaling.md is computed from it. Reads
 * /proc, so it needs Linux.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Sql } from "postgres";
import { openStore } from "../src/mod.ts";
import { PostgresForeignArchive } from "../tests/support/postgres/foreign-archive.ts";
import { PostgresServer } from "../tests/support/postgres/server.ts";
import { serve } from "../tests/support/program.ts";
import { Workspace } from "../tests/support/workspace.ts";
import { nowMs } from "./support/clock.ts";
import { Crowd } from "./support/crowd-control.ts";
import type { Figure, Setting } from "./support/figures.ts";
import { laneOf } from "./support/lane.ts";
import { cpuMsOf, usageOf } from "./support/usage.ts";

const SESSIONS = 100_000;
/** Each follows a session of its own. */
const CLIENTS = [1000, 10_000];
const LISTENERS = [0, 1, 10, 50, 100];
const COMMITS = 1000;
const WRITERS = 16;
/** In ms. */
const WRITE_MS = 4000;
/** In ms. */
const SETTLE_MS = 4000;
const OBSERVE_MS = 30_000;
/** How often (ms) somebody commits to a server that is not quiet. */
const BUSY_MS = 500;
/** Looks at all sessions, of which one has changed. */
const LOOKS = 10;

export async function pgScale(setting: Setting): Promise<Figure[]> {
  if (process.platform !== "linux") return [{ what: "skipped", value: "needs /proc" }];
  await using server = await PostgresServer.start();
  await using archive = await PostgresForeignArchive.create(server);
  await archive.sql.unsafe(
    `INSERT INTO ${archive.table("sessions")} (id, machine, project, agent, first_message, message_count)
     SELECT 's' || n, 'm', 'p', 'claude', repeat('x', 200), 0 FROM generate_series(0, ${SESSIONS - 1}) AS n;
     ANALYZE; CREATE TABLE elsewhere (n int)`,
  );
  const scans = await scan(archive);
  await archive.tell();
  const figures = [...scans, ...(await notifications(server, archive)), ...(await manyWriters())];
  for (const clients of CLIENTS) figures.push(...(await replica(setting, archive, clients)));
  return figures;
}

/** Without triggers, whoever follows all sessions has them all looked at. */
async function scan(archive: PostgresForeignArchive): Promise<Figure[]> {
  const { store } = await openStore(archive.url);
  const startedMs = nowMs();
  let { mark } = await store.changes(null);
  const completeMs = nowMs() - startedMs;
  const samplesMs: number[] = [];
  for (let look = 0; look < LOOKS; look += 1) {
    await archive.touch("s1");
    const lookedMs = nowMs();
    ({ mark } = await store.changes(mark));
    samplesMs.push(nowMs() - lookedMs);
  }
  await store.close();
  return [
    { what: `first look at all of ${SESSIONS} sessions`, value: `${completeMs.toFixed(0)} ms` },
    { what: `later looks at all of ${SESSIONS} sessions`, samplesMs },
  ];
}

/** What a commit costs the server, by how many listen to it. */
async function notifications(server: PostgresServer, archive: PostgresForeignArchive): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const count of LISTENERS) {
    const [row] = await archive.sql.unsafe(
      `SELECT '${archive.schema}.sessions'::regclass::oid::int AS oid, pg_backend_pid() AS pid`,
    );
    const listeners: Sql[] = [];
    const pids = [Number(row?.["pid"])];
    for (let index = 0; index < count; index += 1) {
      const sql = server.connect(archive.database);
      await sql.unsafe(`LISTEN "sessionwatch_${row?.["oid"]}"`);
      const [listener] = await sql.unsafe("SELECT pg_backend_pid() AS pid");
      pids.push(Number(listener?.["pid"]));
      listeners.push(sql);
    }
    const cpuMs = (): number => pids.reduce((sum, pid) => sum + usageOf(pid).cpuMs, 0);
    const before = cpuMs();
    const startedMs = nowMs();
    for (let commit = 0; commit < COMMITS; commit += 1) await archive.touch(`s${commit}`);
    const perSecond = COMMITS / ((nowMs() - startedMs) / 1000);
    await sleep(500);
    const perCommit = ((cpuMs() - before) / COMMITS) * 1000;
    figures.push({
      what: `server's CPU per commit, ${count} listeners`,
      value: `${perCommit.toFixed(0)} µs (${perSecond.toFixed(0)} commits/s by one writer)`,
    });
    for (const sql of listeners) await sql.end();
  }
  return figures;
}

/** Commits that notify take turns, each until it is on the disk: how many there can be, whoever commits. */
async function manyWriters(): Promise<Figure[]> {
  await using server = await PostgresServer.start({ settings: ["fsync = on"] });
  await using archive = await PostgresForeignArchive.create(server);
  for (let writer = 0; writer < WRITERS; writer += 1) await archive.add(`w${writer}`);
  const figures: Figure[] = [];
  for (const how of ["without triggers", "with triggers"]) {
    if (how === "with triggers") await archive.tell();
    let commits = 0;
    const endMs = nowMs() + WRITE_MS;
    const write = async (writer: number): Promise<void> => {
      const sql = server.connect(archive.database);
      const statement = `UPDATE ${archive.table("sessions")} SET updated_at = now() WHERE id = 'w${writer}'`;
      for (; nowMs() < endMs; commits += 1) await sql.unsafe(statement);
      await sql.end();
    };
    await Promise.all(Array.from({ length: WRITERS }, (_value, writer) => write(writer)));
    figures.push({
      what: `commits of ${WRITERS} writers at once, ${how}`,
      value: `${(commits / (WRITE_MS / 1000)).toFixed(0)} /s`,
    });
  }
  return figures;
}

/** A replica with clients, on a quiet server and on one where something else is committed; and what its updates cost. */
async function replica(
  { binary }: Setting,
  archive: PostgresForeignArchive,
  clients: number,
): Promise<Figure[]> {
  using workspace = new Workspace();
  const args = ["--db", archive.url, "--no-sync"];
  const { program, url } = await serve(laneOf(binary), workspace.env, args);
  await using _ = program;
  await using crowd = new Crowd();
  const paths = Array.from({ length: clients }, (_value, n) => `/api/v1/sessions/s${n}/watch?data=json`);
  await crowd.connect({ port: Number(new URL(url).port), paths, clients, overMs: 15_000 });
  await sleep(SETTLE_MS);
  const pids = await archive.sql.unsafe(
    "SELECT pid FROM pg_stat_activity WHERE application_name IN ('sessionwatch poll', 'sessionwatch listen')",
  );
  const cpu = (): [replica: number, server: number] => [
    cpuMsOf(program.pid),
    pids.reduce((sum, { pid }) => sum + usageOf(Number(pid)).cpuMs, 0),
  ];
  const who = `${clients} clients of as many sessions`;
  const figures: Figure[] = [];

  for (const isBusy of [false, true]) {
    const timer = isBusy
      ? setInterval(() => void archive.sql.unsafe("INSERT INTO elsewhere VALUES (1)").execute(), BUSY_MS)
      : undefined;
    const [replicaBefore, serverBefore] = cpu();
    const startedMs = nowMs();
    await sleep(OBSERVE_MS);
    const ms = nowMs() - startedMs;
    const [replicaAfter, serverAfter] = cpu();
    clearInterval(timer);
    const state = isBusy ? "while others commit" : "while nothing is committed";
    figures.push(
      {
        what: `replica's CPU, ${who}, ${state}`,
        value: `${(((replicaAfter - replicaBefore) / ms) * 100).toFixed(2)} %`,
      },
      {
        what: `server's CPU for it, ${state}`,
        value: `${(((serverAfter - serverBefore) / ms) * 100).toFixed(2)} %`,
      },
    );
  }

  const [replicaBefore, serverBefore] = cpu();
  const startedMs = nowMs();
  for (let commit = 0; commit < COMMITS; commit += 1) {
    await archive.touch(`s${commit % clients}`);
    await sleep(5);
  }
  const seconds = (nowMs() - startedMs) / 1000;
  const [replicaAfter, serverAfter] = cpu();
  figures.push(
    {
      what: `replica's CPU per update, ${who}`,
      value: `${(((replicaAfter - replicaBefore) / COMMITS) * 1000).toFixed(0)} µs (${(COMMITS / seconds).toFixed(0)} updates/s)`,
    },
    {
      what: "server's CPU for it, per update",
      value: `${(((serverAfter - serverBefore) / COMMITS) * 1000).toFixed(0)} µs`,
    },
  );
  return figures;
}
