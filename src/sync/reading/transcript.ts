/** What a session's transcript is: the files of which it consists, as they are on disk. */

import type { BigIntStats } from "node:fs";
import type { LinesAgent, TranscriptPlace } from "../../agents/agent.ts";
import type { SessionId, SourceToken } from "../../session/session.ts";
import type { Files } from "./files.ts";

/** A folder where an agent keeps transcripts. */
export interface RootFolder {
  agent: LinesAgent;
  path: string;
}

/** One with the way to it: a root that does not answer delays no other, but for those beside it. */
export interface Root extends RootFolder {
  files: Files;
}

/** A place where a file of a transcript is, or was. */
export interface TranscriptFile {
  root: Root;
  place: TranscriptPlace;
  path: string;
}

/** A file of a transcript that is there. */
export interface FileOnDisk extends TranscriptFile {
  stats: BigIntStats;
  token: SourceToken;
}

/** All that an agent has written of a session, as it is on disk at one moment. */
export interface Transcript {
  id: SessionId;
  /** In reading order. */
  files: readonly [FileOnDisk, ...FileOnDisk[]];
}

/** @returns the session's transcript, of the better one where a file of it was found twice; null if none was found. */
export function transcriptOf(id: SessionId, found: readonly FileOnDisk[]): Transcript | null {
  const [only] = found;
  // As almost every transcript is, and there may be tens of thousands.
  if (only !== undefined && found.length === 1) return { id, files: [only] };
  const parts = new Map<string, FileOnDisk>();
  for (const file of found) {
    const twin = parts.get(file.place.part);
    if (twin === undefined || isBetter(file, twin)) parts.set(file.place.part, file);
  }
  const files = [...parts.values()].sort((a, b) => (a.place.part < b.place.part ? -1 : 1));
  const [first, ...rest] = files;
  return first === undefined ? null : { id, files: [first, ...rest] };
}

/** When any of its files was last written to (ms since the epoch). */
export function lastWriteMs(transcript: Transcript): number {
  return Number(lastWriteNs(transcript) / 1_000_000n);
}

/** Sorts by the last write. */
export function newestFirst(a: Transcript, b: Transcript): number {
  return Number(lastWriteNs(b) - lastWriteNs(a));
}

/**
 * A session may have a file twice: compressed beside plain, in a copied folder, through a linked root. A plain file is
 * better than a compressed one, whenever either was written; else the one that was written last is; else, so that it is
 * always the same one, the first by path.
 */
function isBetter(file: FileOnDisk, twin: FileOnDisk): boolean {
  if (file.place.compression !== twin.place.compression) return file.place.compression === null;
  if (file.stats.mtimeNs !== twin.stats.mtimeNs) return file.stats.mtimeNs > twin.stats.mtimeNs;
  return file.path < twin.path;
}

function lastWriteNs({ files }: Transcript): bigint {
  return files.reduce((latest, { stats }) => (stats.mtimeNs > latest ? stats.mtimeNs : latest), 0n);
}
