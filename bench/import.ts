/** How fast transcripts are imported, how much memory that takes, and what it costs when there is nothing to import. */

import { rmSync } from "node:fs";
import { Workspace } from "../tests/support/workspace.ts";
import { nowMs } from "./support/clock.ts";
import { writeLongTranscript, writeManyTranscripts, writeRecordings } from "./support/corpus.ts";
import { percentile } from "./support/figures.ts";
import type { Figure, Setting } from "./support/figures.ts";

const COLD_BYTES = 300e6;
const LONG_BYTES = 500e6;
const MANY = 10_000;
const COLD_RUNS = 5;
const NO_OPS = 50;

export async function importing({ binary }: Setting): Promise<Figure[]> {
  return [...(await cold(binary)), ...(await long(binary)), ...(await noOp(binary))];
}

async function cold(binary: string): Promise<Figure[]> {
  using workspace = new Workspace();
  const { files, bytes } = writeRecordings(workspace, COLD_BYTES);
  const runs: Run[] = [];
  for (let run = 0; run < COLD_RUNS; run += 1) {
    rmSync(workspace.data, { recursive: true, force: true });
    runs.push(await sync(binary, workspace));
  }
  const what = `cold import, ${files} transcripts, ${megabytes(bytes)} MB`;
  return [
    { what, value: `${rate(bytes, runs)} (aim ≥ 80 MB/s)` },
    { what: `${what}: peak memory`, value: peak(runs) },
  ];
}

async function long(binary: string): Promise<Figure[]> {
  using workspace = new Workspace();
  writeLongTranscript(workspace, LONG_BYTES);
  const run = await sync(binary, workspace);
  const what = `one transcript of ${megabytes(LONG_BYTES)} MB`;
  return [
    { what, value: rate(LONG_BYTES, [run]) },
    { what: `${what}: peak memory`, value: `${peak([run])} (aim ≤ 200 MB)` },
  ];
}

async function noOp(binary: string): Promise<Figure[]> {
  using workspace = new Workspace();
  writeManyTranscripts(workspace, MANY);
  const first = await sync(binary, workspace);
  const runs: Run[] = [];
  for (let run = 0; run < NO_OPS; run += 1) runs.push(await sync(binary, workspace));
  return [
    { what: `first import of ${MANY} small transcripts`, samplesMs: [first.tookMs] },
    {
      what: `\`watch sync\` over ${MANY} unchanged transcripts`,
      samplesMs: runs.map(({ tookMs }) => tookMs),
      aim: { medianMs: 150 },
    },
  ];
}

interface Run {
  tookMs: number;
  peakBytes: number;
}

async function sync(binary: string, { env }: Workspace): Promise<Run> {
  const startedMs = nowMs();
  const child = Bun.spawn([binary, "sync"], { env, stdin: "ignore", stdout: "ignore", stderr: "inherit" });
  if ((await child.exited) !== 0) throw new Error(`watch sync: exit code ${child.exitCode}`);
  return { tookMs: nowMs() - startedMs, peakBytes: child.resourceUsage()?.maxRSS ?? Number.NaN };
}

function rate(bytes: number, runs: readonly Run[]): string {
  const rates = runs.map(({ tookMs }) => bytes / 1e3 / tookMs);
  const [median, best] = [0.5, 1].map((share) => percentile(rates, share).toFixed(0));
  return runs.length === 1 ? `${median} MB/s` : `${median} MB/s, best ${best} of ${runs.length}`;
}

function peak(runs: readonly Run[]): string {
  return `${megabytes(Math.max(...runs.map(({ peakBytes }) => peakBytes)))} MB`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
