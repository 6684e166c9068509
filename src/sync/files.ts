/** The files behind sessions: what they are now, and where they are. */

import { statSync } from "node:fs";
import type { BigIntStats, Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Agent, TranscriptPlace } from "../agents/agent.ts";
import type { SourceToken } from "../watch/session.ts";

/** A transcript on disk. */
export interface Transcript {
  agent: Agent;
  place: TranscriptPlace;
  path: string;
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

/** @returns null unless a regular file is there: FIFOs and devices are never opened. */
export async function statTranscript(path: string): Promise<BigIntStats | null> {
  try {
    const stats = await stat(path, { bigint: true });
    return stats.isFile() ? stats : null;
  } catch {
    // Gone, or not to be reached: both mean that there is nothing to read now.
    return null;
  }
}

/**
 * Everything that a writer can hardly change without changing it back on purpose. In whole milliseconds, because
 * that is what Deno knows of an mtime: two runtimes on one archive must not think each other's work outdated.
 */
export function tokenOf(stats: BigIntStats): SourceToken {
  return `${stats.mtimeNs / 1_000_000n}-${stats.size}-${stats.dev}-${stats.ino}`;
}

/** @returns a token of the folder that is there now; null if there is none, or it cannot be reached. */
export function folderIdentity(path: string): string | null {
  try {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stats?.isDirectory() === true ? `${stats.dev}:${stats.ino}` : null;
  } catch {
    // A folder above it may not be entered: it is as good as not there.
    return null;
  }
}

/**
 * Yields every transcript under `root`; each folder is read once, links to folders are not followed.
 *
 * @param from a folder in it (relative, with `/`) to look no further than.
 */
export async function* transcriptsUnder(
  root: string,
  agent: Agent,
  from: string = "",
): AsyncGenerator<Transcript, void, void> {
  const folders = [from];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await entriesOf(join(root, folder))) {
      const relative = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) folders.push(relative);
      const place = entry.isFile() || entry.isSymbolicLink() ? agent.placeOf(relative) : null;
      if (place !== null) yield { agent, place, path: join(root, relative) };
    }
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch {
    // Not there yet, gone meanwhile, or not ours to read: no transcripts in it now.
    return [];
  }
}
