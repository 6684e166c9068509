/** The file system, as far as transcripts need it: a port, so that its cost can be counted and its hanging be survived. */

import { constants, statSync } from "node:fs";
import type { BigIntStats, Dirent } from "node:fs";
import { open as openAny, readdir, stat } from "node:fs/promises";
import type { SourceToken } from "../../session/session.ts";

/** A file that can be read at any position. */
export interface ReadableFile {
  read(
    buffer: Uint8Array<ArrayBuffer>,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number }>;
}

/** A file that is open for reading. */
export interface OpenFile extends ReadableFile {
  stat(options: { bigint: true }): Promise<BigIntStats>;
  close(): Promise<void>;
}

export interface Files {
  /** @returns the stats of each path; null where nothing exists or it cannot be reached. */
  stats(paths: readonly string[]): Promise<(BigIntStats | null)[]>;
  /** @returns what is in the folder; null if there is none. @throws what the file system throws. */
  folder(path: string): Promise<Dirent[] | null>;
  /** Never waits for a writer: a FIFO may have replaced the file. @throws what the file system throws. */
  open(path: string): Promise<OpenFile>;
}

/** Concurrent stats: enough to be fast, few enough for other work to go on. */
const STATS_AT_ONCE = 32;

export const diskFiles: Files = { stats, folder, open };

async function stats(paths: readonly string[]): Promise<(BigIntStats | null)[]> {
  const found: (BigIntStats | null)[] = [];
  // The first one alone: a mount that hangs then blocks one of the runtime's few threads, not all.
  for (let at = 0; at < paths.length; at += at === 0 ? 1 : STATS_AT_ONCE)
    found.push(...(await Promise.all(paths.slice(at, at === 0 ? 1 : at + STATS_AT_ONCE).map(statOrNull))));
  return found;
}

async function statOrNull(path: string): Promise<BigIntStats | null> {
  try {
    return await stat(path, { bigint: true });
  } catch {
    // Gone, or not to be reached: both mean that there is nothing to read now.
    return null;
  }
}

async function folder(path: string): Promise<Dirent[] | null> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    // Not there yet, or gone meanwhile: no transcripts in it now.
    if (NOTHING_THERE.has((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
}

const NOTHING_THERE = new Set(["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG"]);

/** A FIFO may have replaced the file since its stat; without O_NONBLOCK, open would wait for a writer. */
function open(path: string): Promise<OpenFile> {
  return openAny(path, constants.O_RDONLY | constants.O_NONBLOCK);
}

/** @returns the file's modification time in ns; 0n if it cannot be stat'd. */
export function statMtime(path: string): bigint {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false })?.mtimeNs ?? 0n;
  } catch {
    // A folder that may not be entered, a path that is too long: no such file, as far as we can see.
    return 0n;
  }
}

/**
 * Everything that a writer can hardly change without changing it back on purpose. In whole milliseconds, because
 * that is what Deno knows of an mtime: two runtimes on one archive must not think each other's work outdated.
 */
export function tokenOf(stats: BigIntStats): SourceToken {
  return `${stats.mtimeNs / 1_000_000n}-${stats.size}-${stats.dev}-${stats.ino}`;
}
