/** Brings the archive up to date with the transcripts. */

import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { sep } from "node:path";
import type { BigIntStats } from "node:fs";
import type { Agent } from "../agents/agent.ts";
import type { Archive } from "../watch/archive.ts";
import type { Clock, Engine } from "../watch/ports.ts";
import type { SessionId, SourceToken } from "../watch/session.ts";
import { Coalescer } from "./coalesce.ts";
import { copyNew, unreadable } from "./copy.ts";
import { statTranscript, tokenOf, transcriptsUnder } from "./files.ts";
import type { Transcript } from "./files.ts";

/** Changes (ms) of one transcript that follow each other faster are synced together. */
export const COALESCE_MS = 20;
/** First and longest wait (ms) between two searches of all folders for sessions whose transcript is unknown. */
const SEARCH_BACKOFF_MS = { first: 1500, max: 60_000 };

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

/** The search of all folders: the one under way, and when the next may begin. */
interface Search {
  running: Promise<void> | null;
  nextMs: number;
  waitMs: number;
}

export class SyncEngine implements Engine {
  readonly roots: readonly Root[];
  readonly #archive: Archive;
  readonly #clock: Clock;
  readonly #coalescer: Coalescer<boolean>;
  readonly #transcripts = new Map<SessionId, Transcript>();
  readonly #onSynced = new Set<(id: SessionId) => void>();
  #search: Search = { running: null, nextMs: 0, waitMs: SEARCH_BACKOFF_MS.first };

  constructor(archive: Archive, roots: readonly Root[], clock: Clock) {
    this.#archive = archive;
    this.roots = roots;
    this.#clock = clock;
    this.#coalescer = new Coalescer(clock, COALESCE_MS, (changed) => changed);
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
    return this.#coalescer.run(transcript.path, () => this.#syncNow(transcript));
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
    await this.#searchFolders();
    const found = this.#transcripts.get(id) ?? null;
    if (found !== null) this.#search = { ...this.#search, nextMs: 0, waitMs: SEARCH_BACKOFF_MS.first };
    return found;
  }

  /** One search serves all who ask meanwhile: it finds every session there is. */
  #searchFolders(): Promise<void> {
    const nowMs = this.#clock.now();
    const { running, nextMs, waitMs } = this.#search;
    if (running !== null) return running;
    if (nowMs < nextMs) return Promise.resolve();
    const search = this.#learnPlaces().finally(() => {
      this.#search = { ...this.#search, running: null };
    });
    this.#search = {
      running: search,
      nextMs: nowMs + waitMs,
      waitMs: Math.min(waitMs * 2, SEARCH_BACKOFF_MS.max),
    };
    return search;
  }

  async #learnPlaces(): Promise<void> {
    for await (const transcript of this.all()) this.#transcripts.set(transcript.place.id, transcript);
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

  /** Every transcript in a folder somewhere under a root. */
  async *transcriptsIn(folder: string): AsyncGenerator<Transcript, void, void> {
    for (const { agent, path } of this.roots) {
      if (folder.startsWith(path + sep)) yield* transcriptsUnder(path, agent, inRoot(path, folder));
    }
  }

  /** @returns null if no agent keeps transcripts there. */
  transcriptAt(path: string): Transcript | null {
    for (const root of this.roots) {
      if (!path.startsWith(root.path + sep)) continue;
      const place = root.agent.placeOf(inRoot(root.path, path));
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
    const { path, place } = transcript;
    const stats = await statTranscript(path);
    if (stats === null) return false;
    this.#transcripts.set(place.id, transcript);
    const source = await this.#archive.source(place.id);
    if (source?.token === tokenOf(stats) && source.path === path) return false;
    // A session may have two transcripts (a copied folder, a linked root): the one written last is its truth.
    const twin = source === null || source.path === path ? null : this.transcriptAt(source.path);
    if (twin !== null && (await newer(twin, transcript)) === twin) return false;
    const file = await openTranscript(path);
    if (file === null) return false;
    let changed = false;
    try {
      await this.#archive.sync(place.id, async (transaction) => {
        if (transaction.isDeleted) return;
        changed = await copyNew(transcript, file, transaction);
      });
    } finally {
      await file.close();
    }
    if (changed) for (const listener of this.#onSynced) listener(place.id);
    return changed;
  }
}

/** @returns null if it has just vanished. */
async function openTranscript(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw unreadable(path, error);
  }
}

/** @returns the path relative to its root, as agents know it. */
function inRoot(root: string, path: string): string {
  return path.slice(root.length + 1).replaceAll(sep, "/");
}

async function newer(a: Transcript, b: Transcript): Promise<Transcript> {
  const [first, second] = await Promise.all([statTranscript(a.path), statTranscript(b.path)]);
  return (second?.mtimeNs ?? 0n) > (first?.mtimeNs ?? 0n) ? b : a;
}

/** While the archive cannot be read, the feed says so; the transcript's place is just not known. */
function unknownPlace(): null {
  return null;
}
