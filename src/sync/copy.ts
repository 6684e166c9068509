/** Copies what is new in one transcript into the archive, going on where the last sync stopped. */

import type { BigIntStats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import type { ParserState } from "../agents/agent.ts";
import { messageOf, WatchError } from "../errors.ts";
import type { SourceRecord, SyncTransaction } from "../watch/archive.ts";
import { tokenOf } from "./files.ts";
import type { Transcript } from "./files.ts";
import { fingerprintAt, isLineStart, readLines } from "./tail.ts";
import type { Lines } from "./tail.ts";

/** A file that grows while it is read is read on at once, but not for ever: others wait. */
const MAX_ROUNDS = 8;

/** How far a transcript has been read. */
interface Progress {
  source: SourceRecord;
  state: ParserState;
}

/** What goes into the archive: a state means nothing to another revision of its parser. */
interface SavedState {
  revision: number;
  state: ParserState;
}

/**
 * @returns false if there was nothing to save.
 * @throws WatchError `transcript_unreadable`, and whatever the transaction throws.
 */
export async function copyNew(
  transcript: Transcript,
  file: FileHandle,
  transaction: SyncTransaction,
): Promise<boolean> {
  const { path } = transcript;
  const before = progressOf(transcript, transaction.source);
  let progress = before;
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const stats = await file.stat({ bigint: true });
    // All that was there has been read, in an earlier round or by another process.
    if (progress?.source.token === tokenOf(stats)) break;
    progress = await readOn(transcript, file, stats, progress, transaction);
  }
  if (progress === null) return false;
  if (progress === before && progress.source.path === path) return false;
  await transaction.save(progress.state.facts, { ...progress.source, path });
  return true;
}

/**
 * Reads the transcript up to the size that it had when `stats` were taken: what is stored about the file is
 * then exactly what was read of it, however fast it grows.
 */
async function readOn(
  { agent, place, path }: Transcript,
  file: FileHandle,
  stats: BigIntStats,
  before: Progress | null,
  transaction: SyncTransaction,
): Promise<Progress> {
  const resumed = before !== null && (await canResume(file, stats, before.source)) ? before : null;
  if (resumed === null) await transaction.clear();
  let state = resumed?.state ?? agent.parse([], null, place).state;
  let offset = resumed?.source.offset ?? 0;
  for await (const { lines, offset: end } of piecesOf(path, file, offset, Number(stats.size))) {
    const parsed = agent.parse(lines, state, place);
    await transaction.write(parsed.entries);
    state = parsed.state;
    offset = end;
  }
  const source: SourceRecord = {
    path,
    token: tokenOf(stats),
    offset,
    fingerprint: await fingerprintAt(file, offset),
    parserState: JSON.stringify({ revision: agent.revision, state } satisfies SavedState),
    mtimeNs: stats.mtimeNs,
    inode: stats.ino,
    device: stats.dev,
  };
  return { source, state };
}

/** Appending is the only change that a reader can go on after; everything else starts over. */
async function canResume(file: FileHandle, stats: BigIntStats, source: SourceRecord): Promise<boolean> {
  if (source.inode !== stats.ino || source.device !== stats.dev) return false;
  // The same size with another mtime is no append: it was rewritten in place.
  if (stats.size <= BigInt(source.offset)) return false;
  if ((await fingerprintAt(file, source.offset)) !== source.fingerprint) return false;
  return await isLineStart(file, source.offset);
}

/** @returns null if there is nothing to go on from. */
function progressOf({ agent }: Transcript, source: SourceRecord | null): Progress | null {
  if (source?.parserState == null) return null;
  try {
    const { revision, state } = JSON.parse(source.parserState) as SavedState;
    return revision === agent.revision ? { source, state } : null;
  } catch {
    // Damaged, and not needed: the transcript is the truth.
    return null;
  }
}

/** So that a failing disk is not taken for a failing archive. */
async function* piecesOf(path: string, file: FileHandle, from: number, to: number): AsyncGenerator<Lines> {
  try {
    yield* readLines(file, from, to);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** @returns the error for a transcript that is there but cannot be read. */
export function unreadable(path: string, cause: unknown): WatchError {
  const text = `Cannot read transcript ${JSON.stringify(path)}: ${messageOf(cause)}`;
  return new WatchError("transcript_unreadable", text, { cause });
}
