/** Brings the archive up to date with the transcripts. */

import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { sep } from "node:path";
import type { BigIntStats } from "node:fs";
import type { Agent, ParserState } from "../agents/agent.ts";
import { messageOf, WatchError } from "../errors.ts";
import type { Archive, SourceRecord } from "../watch/archive.ts";
import type { Clock, Engine } from "../watch/ports.ts";
import type { SessionId, SourceToken } from "../watch/session.ts";
import { Coalescer } from "./coalesce.ts";
import { statTranscript, tokenOf, transcriptsUnder } from "./files.ts";
import type { Transcript } from "./files.ts";
import { fingerprintAt, readLines } from "./tail.ts";

/** Changes (ms) of one transcript that follow each other faster are synced together. */
export const COALESCE_MS = 50;
/** First and longest wait (ms) between two searches of all folders for sessions whose transcript is unknown. */
const SEARCH_BACKOFF_MS = { first: 1500, max: 60_000 };
/** A file that grows while it is read is read on at once, but not for ever: others wait. */
const MAX_ROUNDS = 8;

/** A folder of transcripts. */
export interface Root {
  agent: Agent;
  path: string;
}

export interface Progress {
  files: number;
  filesDone: number;
  bytes: number;
  bytesDone: number;
}

export interface SyncReport extends Progress {
  failures: { path: string; error: unknown }[];
}

export interface SyncAllOptions {
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
}

export class SyncEngine implements Engine {
  readonly roots: readonly Root[];
  readonly #archive: Archive;
  readonly #clock: Clock;
  readonly #coalescer: Coalescer<boolean>;
  readonly #transcripts = new Map<SessionId, Transcript>();
  readonly #onSynced = new Set<(id: SessionId) => void>();
  #search = { nextMs: 0, waitMs: SEARCH_BACKOFF_MS.first };

  constructor(archive: Archive, roots: readonly Root[], clock: Clock) {
    this.#archive = archive;
    this.roots = roots;
    this.#clock = clock;
    this.#coalescer = new Coalescer(clock, COALESCE_MS);
  }

  /** Calls `listener` after each commit. */
  onSynced(listener: (id: SessionId) => void): void {
    this.#onSynced.add(listener);
  }

  async sourceToken(id: SessionId): Promise<SourceToken | null> {
    const transcript = await this.find(id).catch(unknownPlace);
    const stats = transcript === null ? null : await statTranscript(transcript.path);
    // It has moved or is gone: the next look searches for it again.
    if (stats === null) this.#transcripts.delete(id);
    return stats === null ? null : tokenOf(stats);
  }

  /** A session without a transcript is left as it is. @throws WatchError `transcript_unreadable`, `archive_unavailable`. */
  async sync(id: SessionId): Promise<void> {
    const transcript = await this.find(id);
    if (transcript !== null) await this.syncTranscript(transcript);
  }

  /**
   * @returns whether the archive has changed.
   * @throws WatchError `transcript_unreadable`, `archive_unavailable`.
   */
  syncTranscript(transcript: Transcript): Promise<boolean> {
    const { id } = transcript.place;
    this.#transcripts.set(id, transcript);
    return this.#coalescer.run(id, () => this.#syncNow(transcript));
  }

  /** Every transcript that differs from what was synced, the newest first; failures are reported, not thrown. */
  async syncAll(options: SyncAllOptions = {}): Promise<SyncReport> {
    const { onProgress, signal } = options;
    const behind = await this.#transcriptsBehind();
    const bytes = behind.reduce((sum, { stats }) => sum + Number(stats.size), 0);
    const report: SyncReport = { files: behind.length, filesDone: 0, bytes, bytesDone: 0, failures: [] };
    for (const { transcript, stats } of behind) {
      if (signal?.aborted === true) break;
      try {
        await this.syncTranscript(transcript);
      } catch (error) {
        report.failures.push({ path: transcript.path, error });
      }
      report.filesDone += 1;
      report.bytesDone += Number(stats.size);
      onProgress?.(report);
    }
    return report;
  }

  /** @returns the session's transcript; null while there is none. Searching all folders is bounded by a backoff. */
  async find(id: SessionId): Promise<Transcript | null> {
    const known =
      this.#transcripts.get(id) ?? this.transcriptAt((await this.#archive.source(id))?.path ?? "");
    if (known !== null && (await statTranscript(known.path)) !== null) {
      this.#transcripts.set(id, known);
      return known;
    }
    this.#transcripts.delete(id);
    const nowMs = this.#clock.now();
    if (nowMs < this.#search.nextMs) return null;
    for await (const transcript of this.all()) this.#transcripts.set(transcript.place.id, transcript);
    const found = this.#transcripts.get(id) ?? null;
    const waitMs =
      found === null ? Math.min(this.#search.waitMs * 2, SEARCH_BACKOFF_MS.max) : SEARCH_BACKOFF_MS.first;
    this.#search = { nextMs: found === null ? nowMs + this.#search.waitMs : 0, waitMs };
    return found;
  }

  /** Every transcript there is. Where a session has two, the one that was written last. */
  async *all(): AsyncGenerator<Transcript, void, void> {
    const seen = new Map<SessionId, Transcript>();
    for (const { agent, path } of this.roots) {
      for await (const transcript of transcriptsUnder(path, agent)) {
        const twin = seen.get(transcript.place.id);
        seen.set(transcript.place.id, twin === undefined ? transcript : await newer(twin, transcript));
      }
    }
    yield* seen.values();
  }

  /** @returns null if no agent keeps transcripts there. */
  transcriptAt(path: string): Transcript | null {
    for (const root of this.roots) {
      if (!path.startsWith(root.path + sep)) continue;
      const place = root.agent.placeOf(path.slice(root.path.length + 1).replaceAll(sep, "/"));
      if (place !== null) return { agent: root.agent, place, path };
    }
    return null;
  }

  async #transcriptsBehind(): Promise<{ transcript: Transcript; stats: BigIntStats }[]> {
    const sources = await this.#archive.sources();
    const behind: { transcript: Transcript; stats: BigIntStats }[] = [];
    for await (const transcript of this.all()) {
      const stats = await statTranscript(transcript.path);
      if (stats === null || sources.get(transcript.path)?.token === tokenOf(stats)) continue;
      behind.push({ transcript, stats });
    }
    return behind.sort((a, b) => Number(b.stats.mtimeNs - a.stats.mtimeNs));
  }

  async #syncNow(transcript: Transcript): Promise<boolean> {
    const { id } = transcript.place;
    const stats = await statTranscript(transcript.path);
    if (stats === null || (await this.#archive.source(id))?.token === tokenOf(stats)) return false;
    let changed = false;
    const file = await openTranscript(transcript.path);
    try {
      await this.#archive.sync(id, async (transaction) => {
        if (transaction.isDeleted) return;
        changed = await copy(transcript, file, transaction);
      });
    } finally {
      await file.close();
    }
    if (changed) for (const listener of this.#onSynced) listener(id);
    return changed;
  }
}

type Transaction = Parameters<Parameters<Archive["sync"]>[1]>[0];

/** Copies what is new in `file` into the archive. @returns false if there was nothing to save. */
async function copy(
  { agent, place, path }: Transcript,
  file: FileHandle,
  transaction: Transaction,
): Promise<boolean> {
  let stats = await file.stat({ bigint: true });
  // Another process may have synced it while this one waited for its turn.
  if (transaction.source?.token === tokenOf(stats)) return false;

  const resumed = (await canResume(file, stats, transaction.source)) ? transaction.source : null;
  if (resumed === null) await transaction.clear();
  let state: ParserState | null = resumed?.parserState
    ? (JSON.parse(resumed.parserState) as ParserState)
    : null;
  let offset = resumed?.offset ?? 0;
  for (let round = 1; ; round += 1) {
    for await (const { lines, offset: end } of readLines(file, offset)) {
      const parsed = agent.parse(lines, state, place);
      await transaction.write(parsed.entries);
      state = parsed.state;
      offset = end;
    }
    // The token that is stored must not be newer than what was read.
    const after = await file.stat({ bigint: true });
    if (tokenOf(after) === tokenOf(stats) || round === MAX_ROUNDS) break;
    stats = after;
  }
  state ??= agent.parse([], null, place).state;
  await transaction.save(state.facts, {
    path,
    token: tokenOf(stats),
    offset,
    fingerprint: await fingerprintAt(file, offset),
    parserState: JSON.stringify(state),
    mtimeNs: stats.mtimeNs,
    inode: stats.ino,
    device: stats.dev,
  });
  return true;
}

/** Appending is the only change that a reader can go on after; everything else starts over. */
async function canResume(
  file: FileHandle,
  stats: BigIntStats,
  source: SourceRecord | null,
): Promise<boolean> {
  if (source === null || source.parserState === null) return false;
  if (source.inode !== stats.ino || source.device !== stats.dev) return false;
  // The same size with another mtime is no append: it was rewritten in place.
  if (stats.size <= BigInt(source.offset)) return false;
  return (await fingerprintAt(file, source.offset)) === source.fingerprint;
}

async function openTranscript(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    const text = `Cannot read transcript ${JSON.stringify(path)}: ${messageOf(error)}`;
    throw new WatchError("transcript_unreadable", text, { cause: error });
  }
}

async function newer(a: Transcript, b: Transcript): Promise<Transcript> {
  const [first, second] = await Promise.all([statTranscript(a.path), statTranscript(b.path)]);
  return (second?.mtimeNs ?? 0n) > (first?.mtimeNs ?? 0n) ? b : a;
}

/** While the archive cannot be read, the feed says so; the transcript's place is just not known. */
function unknownPlace(): null {
  return null;
}
