/** What a process has used so far, and what it holds. Reads /proc, so it needs Linux. */

import { readdirSync, readFileSync } from "node:fs";

/** The kernel counts in these (ms) wherever it says nothing else. */
const TICK_MS = 10;

/** Of all threads that there are: those that have ended are not in it. */
export interface Usage {
  cpuMs: number;
  /** Voluntary context switches: each is a thread that had gone to sleep. */
  switches: number;
}

/** The scheduler counts in ns, where /proc/<pid>/stat rounds to ticks of 10 ms. */
export function usageOf(pid: number): Usage {
  const usage = { cpuMs: 0, switches: 0 };
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${thread}`;
    usage.cpuMs += Number(readFileSync(`${folder}/schedstat`, "utf8").split(" ")[0]) / 1e6;
    usage.switches += numberAfter("voluntary_ctxt_switches", readFileSync(`${folder}/status`, "utf8"));
  }
  return usage;
}

/** In whole ticks of 10 ms, but with all threads that there ever were: for what is observed for a minute. */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field is the program's name, in brackets; user and system time are the 14th and the 15th.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** @returns kB. */
export function memoryOf(pid: number, kind: "Rss" | "Pss"): number {
  return numberAfter(kind, readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
}

/** @returns how many files and sockets it has open. */
export function openFilesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function numberAfter(name: string, text: string): number {
  return Number(new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(text)?.[1]);
}
