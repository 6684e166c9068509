/** One server, very many clients: what an event, a client, a stalled client and a stop cost. Reads /proc, so it needs Linux. */

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ForeignArchive } from "../tests/support/archives.ts";
import { serve } from "../tests/support/program.ts";
import type { Program } from "../tests/support/program.ts";
import { Workspace } from "../tests/support/workspace.ts";
import { makeForeign, makeOurs } from "./support/archives.ts";
import { nowMs } from "./support/clock.ts";
import { commit } from "./support/commits.ts";
import { Crowd } from "./support/crowd-control.ts";
import { percentile } from "./support/figures.ts";
import type { Figure, Setting } from "./support/figures.ts";
import { laneOf } from "./support/lane.ts";
import { cpuMsOf, memoryOf } from "./support/usage.ts";

const CLIENTS = 10_000;
const SESSIONS = 1000;
/** For garbage and threads to settle, in ms. */
const SETTLE_MS = 5000;
/** Far enough apart (ms) that each has reached everyone before the next. */
const RARE = { commits: 45, minMs: 250, maxMs: 350 };
/** Commits before those that count. */
const WARM_UP = 5;
/** Quiet streams get a comment every 15 s: clients come over so long (ms) that the comments are spread. */
const ARRIVE_MS = 15_000;
const OBSERVE_MS = 60_000;

const HEALTHY = 1000;
const STALLED = 200;
const ROUNDS = 3;
const CONTINUOUS = { commits: 120, minMs: 30, maxMs: 70 };
/** Until the kernel, which takes over 2 MB for a client that does not read, takes no more. */
const FILL = { commits: 500, minMs: 5, maxMs: 15 };
/** An id of so many characters is sent with each update, and so fills what the kernel takes. */
const LONG_ID = 6000;

interface Served {
  program: Program;
  port: number;
}

export async function fanOut(setting: Setting): Promise<Figure[]> {
  if (process.platform !== "linux") return [{ what: "skipped", value: "needs /proc" }];
  return [
    ...(await oneSession(setting)),
    ...(await manySessions(setting, [])),
    ...(await manySessions(setting, ["--no-sync"])),
    ...(await besideStalled(setting)),
  ];
}

/** Memory, delays and the stop, of the same server. */
async function oneSession({ binary }: Setting): Promise<Figure[]> {
  using workspace = new Workspace();
  const path = workspace.path("sessions.db");
  const [id = ""] = makeForeign(path, 100);
  const served = await serveArchive(binary, workspace, path);
  await using program = served.program;
  await using crowd = new Crowd();
  await sleep(SETTLE_MS);

  const before = memoryOf(program.pid, "Rss");
  await crowd.connect({ port: served.port, paths: [watchPath(id)], clients: CLIENTS, overMs: 0 });
  await sleep(SETTLE_MS);
  const idle = memoryOf(program.pid, "Rss");

  const cpuBeforeMs = cpuMsOf(program.pid);
  const changes = await commit(path, id, RARE);
  const { firstMs, medianMs, p99Ms, lastMs } = await crowd.report(changes);
  const cpuMs = cpuMsOf(program.pid) - cpuBeforeMs;
  const after = memoryOf(program.pid, "Rss");

  const stoppedMs = nowMs();
  program.kill("SIGTERM");
  const exitCode = await program.ended;
  const tookMs = nowMs() - stoppedMs;

  const who = `of ${CLIENTS} clients`;
  return [
    { what: `commit → first ${who}`, samplesMs: firstMs.slice(WARM_UP) },
    { what: `commit → median ${who}`, samplesMs: medianMs.slice(WARM_UP) },
    { what: `commit → 99 % ${who}`, samplesMs: p99Ms.slice(WARM_UP) },
    { what: `commit → last ${who}`, samplesMs: lastMs.slice(WARM_UP), aim: { medianMs: 100, p99Ms: 100 } },
    {
      what: "server's CPU per client and event",
      value: `${((cpuMs * 1000) / (RARE.commits * CLIENTS)).toFixed(1)} µs`,
    },
    { what: "resident memory, no client", value: `${(before / 1024).toFixed(1)} MB` },
    { what: "resident memory per idle client (aim: ≤ 12 KB)", value: perClient(idle - before) },
    { what: "resident memory per client after the events", value: perClient(after - before) },
    {
      what: `SIGTERM → end with ${CLIENTS} streams (aim: ≤ 2 s)`,
      value: `${(tookMs / 1000).toFixed(2)} s, exit code ${exitCode}`,
    },
  ];
}

/** Many streams on which nothing happens. */
async function manySessions({ binary }: Setting, args: string[]): Promise<Figure[]> {
  using workspace = new Workspace();
  const transcripts = await makeOurs(workspace, binary, SESSIONS);
  const served = await serveArchive(binary, workspace, workspace.archive, args);
  await using program = served.program;
  await using crowd = new Crowd();
  await sleep(SETTLE_MS);
  const paths = transcripts.map(({ id }) => watchPath(id));
  await crowd.connect({ port: served.port, paths, clients: CLIENTS, overMs: ARRIVE_MS });
  await sleep(SETTLE_MS);

  const startedMs = nowMs();
  const cpuBeforeMs = cpuMsOf(program.pid);
  await sleep(OBSERVE_MS);
  const percent = ((cpuMsOf(program.pid) - cpuBeforeMs) / (nowMs() - startedMs)) * 100;
  const flags = args.map((flag) => `, ${flag}`).join("");
  return [
    {
      what: `CPU, ${CLIENTS} quiet clients of ${SESSIONS} sessions${flags} (aim: ≤ 1 %)`,
      value: `${percent.toFixed(2)} %`,
    },
  ];
}

/** The same clients with and without others that never read, in turn. */
async function besideStalled({ binary }: Setting): Promise<Figure[]> {
  using workspace = new Workspace();
  const path = workspace.path("sessions.db");
  const id = `long-${"x".repeat(LONG_ID)}`;
  {
    using archive = new ForeignArchive(path);
    archive.add(id);
  }
  const served = await serveArchive(binary, workspace, path);
  await using _program = served.program;
  await using crowd = new Crowd();
  await crowd.connect({ port: served.port, paths: [watchPath(id)], clients: HEALTHY, overMs: 0 });

  const without: number[] = [];
  const beside: number[] = [];
  let unsentBytes = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    // Both follow the same work, so that neither finds a colder program.
    await crowd.report(await commit(path, id, FILL));
    without.push(...(await crowd.report(await commit(path, id, CONTINUOUS))).p99Ms);
    await crowd.ignore(served.port, watchPath(id), STALLED);
    await crowd.report(await commit(path, id, FILL));
    beside.push(...(await crowd.report(await commit(path, id, CONTINUOUS))).p99Ms);
    unsentBytes = unsentOf(served.port);
    await crowd.hangUp();
  }
  const change = (percentile(beside, 0.5) / percentile(without, 0.5) - 1) * 100;
  return [
    { what: `commit → 99 % of ${HEALTHY} clients, alone`, samplesMs: without },
    { what: `commit → 99 % of ${HEALTHY} clients, beside ${STALLED} that never read`, samplesMs: beside },
    { what: "difference of the medians (aim: < 10 %)", value: `${change.toFixed(1)} %` },
    {
      what: "unsent in the kernel, per client that never reads",
      value: `${(unsentBytes / STALLED / 1024).toFixed(0)} KB`,
    },
  ];
}

/** Nobody syncs unless `args` say so: the archive alone is watched. */
async function serveArchive(
  binary: string,
  workspace: Workspace,
  path: string,
  args: string[] = ["--no-sync"],
): Promise<Served> {
  const { program, url } = await serve(laneOf(binary), workspace.env, ["--db", path, ...args]);
  return { program, port: Number(new URL(url).port) };
}

function watchPath(id: string): string {
  return `/api/v1/sessions/${encodeURIComponent(id)}/watch?data=json`;
}

function perClient(kilobytes: number): string {
  return `${(kilobytes / CLIENTS).toFixed(1)} KB`;
}

/** What the kernel holds for the clients of a server on this machine, in bytes. */
function unsentOf(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  let bytes = 0;
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n")) {
    const [, from, , , queues = ""] = line.trim().split(/\s+/);
    if (from === local) bytes += Number.parseInt(queues.split(":")[0] ?? "0", 16);
  }
  return bytes;
}
