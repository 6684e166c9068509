/** Brings the archive up to date with the transcripts. */

import pMap from "p-map";
import type { ArchiveWriting, SyncedTranscript } from "../watch/archive.ts";
import { transcriptToken } from "../watch/archive.ts";
import type { Clock } from "../async/clock.ts";
import type { Engine, SyncFigures } from "../watch/ports.ts";
import type { SessionId, SourceToken } from "../session/session.ts";
import { TranscriptIndex } from "./discovery/transcript-index.ts";
import type { Unreadable } from "./discovery/transcript-index.ts";
import { Coalescer } from "../async/coalesce.ts";
import { TranscriptCopy } from "./reading/copy.ts";
import type { Copied } from "./reading/copy.ts";
import { diskFiles } from "./reading/files.ts";
import type { Files } from "./reading/files.ts";
import { newestFirst } from "./discovery/transcript.ts";
import type { RootFolder, Transcript, TranscriptFile } from "./discovery/transcript.ts";
import { UnfinishedLines } from "./reading/unfinished.ts";
import { VanishedError } from "./reading/unreadable.ts";

/** Changes (ms) of one transcript that follow each other faster are synced together. */
const COALESCE_MS = 20;

/** So many transcripts are synced at once: the archive takes them one by one, but commits those that wait together. */
const SYNCS_AT_ONCE = 4;

export interface EngineOptions {
  clock: Clock;
  /** @default the disk */
  files?: Files;
  /** For so long (ms) a transcript that was found to be synced is taken for that by `sourceToken`. @default 0 */
  trustMs?: number;
}

/** How far a sync is with what was behind when it began: what was up to date is not counted. */
export interface Progress {
  /** Transcripts, whatever number of files each consists of. */
  files: number;
  filesDone: number;
  bytes: number;
  bytesDone: number;
}

/** What a sync has done, and what it could not do. */
export interface SyncReport extends Progress {
  failures: Failure[];
  /** Transcripts that are not synced, because their sessions were deleted or are another machine's. */
  leftAlone: number;
}

/** A commit. */
export interface Synced {
  id: SessionId;
  path: string;
  /** Lines that could not be read, among those that were new. */
  malformedLines: number;
  /** How long (ms) it took. */
  tookMs: number;
}

/** What could not be synced: one transcript, or (then there is no id) more than one, or nobody knows which. */
export interface Failure {
  id: SessionId | null;
  /** A file of the transcript; without an id the root's path, or the name of the follower that failed. */
  path: string;
  error: unknown;
}

/** A transcript with something new in it. */
export interface Behind {
  transcript: Transcript;
  /** Null if it never was. */
  synced: SyncedTranscript | null;
  /** How many bytes there are to read, as far as can be told before reading. */
  bytes: number;
}

export interface SyncAllOptions {
  /** Called after each piece that was read, and when a transcript is done; always with the same object. */
  onProgress?: (progress: Progress) => void;
}

export class SyncEngine implements Engine {
  /** Where the transcripts are. */
  readonly catalog: TranscriptIndex;
  readonly #archive: ArchiveWriting;
  readonly #coalescer: Coalescer<boolean>;
  readonly #clock: Clock;
  readonly #trustMs: number;
  /** Of sessions that `sourceToken` was asked for: when they were last found to be synced, and what their token was. */
  readonly #upToDate = new Map<SessionId, { atMs: number; token: SourceToken } | null>();
  readonly #unfinished = new UnfinishedLines();
  readonly #onSynced = new Set<(synced: Synced) => void>();
  #failures = 0;

  constructor(archive: ArchiveWriting, roots: readonly RootFolder[], options: EngineOptions) {
    const { clock, files = diskFiles, trustMs = 0 } = options;
    this.#archive = archive;
    this.#clock = clock;
    this.#trustMs = trustMs;
    this.catalog = new TranscriptIndex(roots, files, clock);
    this.#coalescer = new Coalescer(clock, COALESCE_MS, (changed) => changed);
  }

  /** The backlog is what was asked for: what followers have found and not asked for yet, they know. */
  get figures(): SyncFigures {
    return { failures: this.#failures, backlog: this.#coalescer.busy };
  }

  /** Calls `listener` after each commit. */
  onSynced(listener: (synced: Synced) => void): void {
    this.#onSynced.add(listener);
  }

  /** One stat per file of the transcript, once it is known where it is; none if others have just looked. */
  async sourceToken(id: SessionId): Promise<SourceToken | null> {
    const seen = this.#upToDate.get(id) ?? null;
    if (seen !== null && this.#clock.now() - seen.atMs < this.#trustMs) return seen.token;
    const transcript = await this.find(id).catch(unreachable);
    // Anybody can ask for any id: what has no transcript is not remembered.
    if (transcript === null) this.#upToDate.delete(id);
    else this.#upToDate.set(id, null);
    return transcript === null ? null : transcriptToken(transcript.files);
  }

  /** @returns the session's transcript; null while there is none. Searching all folders is bounded by a backoff. */
  async find(id: SessionId): Promise<Transcript | null> {
    const known = await this.catalog.look(id);
    if (known !== null) return known;
    this.#learn(await this.#archive.source(id));
    return await this.catalog.find(id);
  }

  /** @throws WatchError `archive_unavailable` */
  async isOffLimits(id: SessionId): Promise<boolean> {
    return (await this.#archive.offLimits([id])).has(id);
  }

  /** A session without a transcript is left as it is. @throws WatchError `transcript_unreadable`, `archive_unavailable`. */
  async sync(id: SessionId): Promise<void> {
    if ((await this.find(id)) !== null) await this.#sync(id);
  }

  /**
   * Syncs the session that has this file, without a search for it.
   *
   * @returns whether the archive has changed.
   * @throws WatchError `transcript_unreadable`, `archive_unavailable`.
   */
  syncFile(file: TranscriptFile): Promise<boolean> {
    this.catalog.learn(file);
    return this.#sync(file.place.id);
  }

  /**
   * @param folders roots' paths, or paths in roots; what is no folder holds nothing.
   * @returns every transcript in them that is not on disk as it was synced, the newest first; and what could not be
   *   looked at.
   * @throws WatchError `transcript_unreadable` if a root does not answer, `archive_unavailable`.
   */
  async behind(folders: readonly string[]): Promise<{ behind: Behind[]; failures: Failure[] }> {
    const { transcripts, failures } = await this.catalog.in(folders);
    const { behind } = await this.#notSynced(transcripts);
    return { behind, failures: failures.map(asFailure) };
  }

  /**
   * Syncs every transcript that differs from what was synced; what cannot be read is reported, not thrown.
   *
   * @throws WatchError `archive_unavailable` if it cannot be told what was synced.
   */
  async syncAll(options: SyncAllOptions = {}): Promise<SyncReport> {
    const { onProgress = ignore } = options;
    const report: SyncReport = { files: 0, filesDone: 0, bytes: 0, bytesDone: 0, failures: [], leftAlone: 0 };
    const { transcripts, failures } = await this.catalog.all();
    report.failures.push(...failures.map(asFailure));
    const { behind, leftAlone } = await this.#notSynced(transcripts);
    report.leftAlone = leftAlone;
    report.files = behind.length;
    report.bytes = behind.reduce((sum, { bytes }) => sum + bytes, 0);
    const syncOne = async ({ transcript, bytes, synced }: Behind): Promise<void> => {
      let leftBytes = bytes;
      const done = (read: number): void => {
        const counted = Math.min(read, leftBytes);
        leftBytes -= counted;
        report.bytesDone += counted;
        onProgress(report);
      };
      try {
        await this.#run(transcript.id, () => this.#syncFrom(transcript, synced, done));
      } catch (error) {
        report.failures.push({ id: transcript.id, path: transcript.files[0].path, error });
      }
      report.filesDone += 1;
      done(leftBytes);
    };
    await pMap(behind, syncOne, { concurrency: SYNCS_AT_ONCE });
    return report;
  }

  async #notSynced(found: readonly Transcript[]): Promise<{ behind: Behind[]; leftAlone: number }> {
    if (found.length === 0) return { behind: [], leftAlone: 0 };
    const synced = await this.#archive.syncedTranscripts();
    const differing = found
      .map((transcript) => ({ transcript, synced: synced.get(transcript.id) ?? null }))
      .filter((behind) => !isSynced(behind.transcript, behind.synced));
    if (differing.length === 0) return { behind: [], leftAlone: 0 };
    // Asked for all of them at once: each for itself would cost as much as a sync.
    const offLimits = await this.#archive.offLimits(differing.map(({ transcript }) => transcript.id));
    const behind = differing
      .filter(({ transcript }) => !offLimits.has(transcript.id))
      .map((behind) => ({ ...behind, bytes: newBytes(behind.transcript, behind.synced) }))
      .sort((a, b) => newestFirst(a.transcript, b.transcript));
    return { behind, leftAlone: differing.length - behind.length };
  }

  /** Where a session's files were at its last sync is where they most likely are. */
  #learn(synced: SyncedTranscript | null): void {
    for (const { path } of synced?.files ?? []) {
      const file = this.catalog.at(path);
      if (file !== null) this.catalog.learn(file);
    }
  }

  #sync(id: SessionId): Promise<boolean> {
    return this.#run(id, () => this.#syncNow(id));
  }

  #run(id: SessionId, job: () => Promise<boolean>): Promise<boolean> {
    return this.#coalescer.run(id, async () => {
      try {
        return await job();
      } catch (error) {
        this.#failures += 1;
        throw error;
      }
    });
  }

  #noteUpToDate({ id, files }: Transcript): void {
    if (this.#upToDate.has(id))
      this.#upToDate.set(id, { atMs: this.#clock.now(), token: transcriptToken(files) });
  }

  async #syncNow(id: SessionId): Promise<boolean> {
    const transcript = await this.catalog.look(id);
    return transcript !== null && (await this.#syncFrom(transcript, await this.#archive.source(id)));
  }

  /** @param synced what is known of the last sync; the transaction looks again. */
  async #syncFrom(
    found: Transcript,
    synced: SyncedTranscript | null,
    onRead: (bytes: number) => void = ignore,
  ): Promise<boolean> {
    const { id } = found;
    let transcript: Transcript | null = found;
    if (isSynced(transcript, synced)) {
      this.#noteUpToDate(transcript);
      return false;
    }
    if (synced?.files.some(({ path }) => !found.files.some((file) => file.path === path)) === true) {
      // Synced from another place before: that may still be the better one, or hold a part that is not known here yet.
      this.#learn(synced);
      transcript = await this.catalog.look(id);
      if (transcript === null || isSynced(transcript, synced)) return false;
    }
    const startedMs = this.#clock.now();
    const copy = new TranscriptCopy(transcript, { unfinished: this.#unfinished, onRead });
    let copied: Copied | null = null;
    try {
      await copy.open(synced);
      await this.#archive.sync(id, async (transaction) => {
        if (!transaction.isOffLimits) copied = await copy.run(transaction);
      });
    } catch (error) {
      // The next look sees what is there.
      if (error instanceof VanishedError) return false;
      throw error;
    } finally {
      await copy.close();
    }
    if (copied === null) return false;
    const { malformedLines }: Copied = copied;
    const { path } = transcript.files[0];
    const tookMs = this.#clock.now() - startedMs;
    for (const listener of this.#onSynced) listener({ id, path, malformedLines, tookMs });
    return true;
  }
}

function asFailure(unreadable: Unreadable): Failure {
  return { id: null, ...unreadable };
}

/** @returns whether the transcript is on disk as it was when it was synced. */
function isSynced({ files }: Transcript, synced: SyncedTranscript | null): boolean {
  return (
    synced?.revision === files[0].root.agent.revision &&
    synced.files.length === files.length &&
    files.every(({ path, token }, index) => {
      const known = synced.files[index];
      return known?.path === path && known.token === token;
    })
  );
}

function newBytes({ files }: Transcript, synced: SyncedTranscript | null): number {
  return files.reduce((sum, { path, stats }) => {
    const size = Number(stats.size);
    const offset = synced?.files.find((known) => known.path === path)?.offset ?? 0;
    return sum + (offset < size ? size - offset : size);
  }, 0);
}

/** While the archive or a root cannot be read, others say so; the transcript's state is just not known. */
function unreachable(): null {
  return null;
}

function ignore(): void {}
