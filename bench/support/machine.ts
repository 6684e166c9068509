/** What a figure depends on besides the program. */

import { cpus, loadavg, release, totalmem } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { nowMs } from "./clock.ts";
import { percentile } from "./figures.ts";

const PROBES = 200;

/** @returns one line: processor, memory, system, runtime. */
export function machineFacts(): string {
  const model = cpus()[0]?.model ?? "unknown processor";
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  const system = `${process.platform} ${release()} ${process.arch}`;
  return `${cpus().length} × ${model}, ${memory} GiB, ${system}, Bun ${Bun.version}`;
}

/** @returns one line: the load, and how much later than asked a timer of 1 ms wakes an idle process. */
export async function noise(): Promise<string> {
  const latenessMs: number[] = [];
  for (let probe = 0; probe < PROBES; probe += 1) {
    const startedMs = nowMs();
    await sleep(1);
    latenessMs.push(nowMs() - startedMs - 1);
  }
  const [median, p99, max] = [0.5, 0.99, 1].map((share) => percentile(latenessMs, share).toFixed(2));
  const load = loadavg()[0]?.toFixed(2);
  return `load ${load}, timers late by ${median} ms (p99 ${p99}, max ${max})`;
}
