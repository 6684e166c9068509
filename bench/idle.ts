/** What `watch serve` costs while nothing happens. Reads /proc, so it needs Linux. */

import { setTimeout as sleep } from "node:timers/promises";
import { Program, serve } from "../tests/support/program.ts";
import { Workspace } from "../tests/support/workspace.ts";
import { makeOurs } from "./support/archives.ts";
import { nowMs } from "./support/clock.ts";
import { writeManyTranscripts } from "./support/corpus.ts";
import type { Figure, Setting } from "./support/figures.ts";
import { laneOf } from "./support/lane.ts";
import { memoryOf, usageOf } from "./support/usage.ts";

const SESSIONS = 100;
const MANY_SESSIONS = 10_000;
/** After the start, for its garbage and its threads to settle, in ms. */
const SETTLE_MS = 3000;
/** How long (ms) each state is observed: eight polls. */
const OBSERVE_MS = 12_000;
/** Two looks at everything, which are one minute apart. */
const OBSERVE_MANY_MS = 120_000;

export async function idle({ binary }: Setting): Promise<Figure[]> {
  if (process.platform !== "linux") return [{ what: "skipped", value: "needs /proc" }];
  using workspace = new Workspace();
  const [transcript] = await makeOurs(workspace, binary, SESSIONS);
  const server = await serve(laneOf(binary), workspace.env);
  await using program = server.program;
  await sleep(SETTLE_MS);
  const alone = await observe(program.pid, "no client", OBSERVE_MS);

  const closing = new AbortController();
  const { signal } = closing;
  const stream = await fetch(`${server.url}/api/v1/sessions/${transcript?.id}/watch`, { signal });
  if (!stream.ok) throw new Error(`cannot follow: status ${stream.status}`);
  const followed = await observe(program.pid, "1 client", OBSERVE_MS);
  closing.abort();
  return [...alone, ...followed, ...(await idleOverMany(binary))];
}

async function idleOverMany(binary: string): Promise<Figure[]> {
  using workspace = new Workspace();
  writeManyTranscripts(workspace, MANY_SESSIONS);
  const lane = laneOf(binary);
  await using first = new Program(lane, ["sync"], workspace.env);
  if ((await first.exit()) !== 0) throw new Error(`cannot sync: ${first.stderr}`);
  const server = await serve(lane, workspace.env);
  await using program = server.program;
  await sleep(SETTLE_MS);
  return await observe(program.pid, `${MANY_SESSIONS} transcripts (aim: CPU ≤ 0.3 %)`, OBSERVE_MANY_MS);
}

async function observe(pid: number, state: string, observeMs: number): Promise<Figure[]> {
  const startedMs = nowMs();
  const before = usageOf(pid);
  await sleep(observeMs);
  const after = usageOf(pid);
  const percent = ((after.cpuMs - before.cpuMs) / (nowMs() - startedMs)) * 100;
  const switches = (after.switches - before.switches) / (observeMs / 1000);
  return [
    { what: `resident memory, ${state}`, value: `${megabytes(memoryOf(pid, "Rss"))} MB` },
    {
      what: `proportional memory (shared pages divided), ${state}`,
      value: `${megabytes(memoryOf(pid, "Pss"))} MB`,
    },
    { what: `CPU, ${state}`, value: `${percent.toFixed(2)} %` },
    { what: `wake-ups, ${state}`, value: `${switches.toFixed(1)} /s` },
  ];
}

function megabytes(kilobytes: number): string {
  return (kilobytes / 1024).toFixed(1);
}
