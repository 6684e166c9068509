/** What this process uses. */

import { existsSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import process from "node:process";

/** In the units of Prometheus: bytes, seconds. */
export const ownProcess = {
  /** Seconds since the epoch. */
  startedSeconds: performance.timeOrigin / 1000,
  residentBytes: (): number => process.memoryUsage.rss(),
  cpuSeconds(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000_000;
  },
  /** How many files may be open at once. @returns null where there is no limit, or no /proc. */
  openFileLimit(): number | null {
    const limits = existsSync("/proc/self/limits") ? readFileSync("/proc/self/limits", "utf8") : "";
    const [, soft] = /^Max open files +(\d+)/m.exec(limits) ?? [];
    return soft === undefined ? null : Number(soft);
  },
  /** @returns null where there is no /proc. */
  async openFiles(): Promise<number | null> {
    try {
      // Without the folder itself, which is open while it is read.
      return (await readdir("/proc/self/fd")).length - 1;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    }
  },
};
