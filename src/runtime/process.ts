/** The resources of this process. */

import { existsSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import process from "node:process";

/** In Prometheus' units: bytes and seconds. */
export const ownProcess = {
  /** Seconds since the epoch. */
  startedSeconds: performance.timeOrigin / 1000,
  residentBytes: (): number => process.memoryUsage.rss(),
  cpuSeconds(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000_000;
  },
  /** @returns how many files may be open at once; null without a limit, or without /proc. */
  openFileLimit(): number | null {
    const limits = existsSync("/proc/self/limits") ? readFileSync("/proc/self/limits", "utf8") : "";
    const [, soft] = /^Max open files +(\d+)/m.exec(limits) ?? [];
    return soft === undefined ? null : Number(soft);
  },
  /** @returns null without /proc. */
  async openFiles(): Promise<number | null> {
    try {
      // Minus one: the folder itself is open while it is read.
      return (await readdir("/proc/self/fd")).length - 1;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    }
  },
};
