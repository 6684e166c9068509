/** Which transcripts there are, where, and of which files each consists. */

import type { BigIntStats } from "node:fs";
import { dirname, join, sep } from "node:path";
import type { Agent, TranscriptPlace } from "../agents/agent.ts";
import type { Clock } from "../watch/ports.ts";
import type { SessionId, SourceToken } from "../watch/session.ts";
import { tokenOf } from "./files.ts";
import type { Files } from "./files.ts";
import { PatientFiles } from "./patience.ts";

/** A folder where an agent keeps transcripts. */
export interface RootFolder {
  agent: Agent;
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

/** First and longest wait (ms) between two searches of all folders for sessions whose transcript is unknown. */
const SEARCH_BACKOFF_MS = { first: 1500, max: 60_000 };
/** So many folders are read at once. */
const FOLDERS_AT_ONCE = 16;

/** The search of all folders: the one under way, and when the next may begin. */
interface Search {
  running: Promise<void> | null;
  nextMs: number;
  waitMs: number;
}

export class Catalog {
  readonly roots: readonly Root[];
  readonly #clock: Clock;
  readonly #known = new Map<SessionId, Map<string, TranscriptFile>>();
  #search: Search = { running: null, nextMs: 0, waitMs: SEARCH_BACKOFF_MS.first };

  constructor(folders: readonly RootFolder[], files: Files, clock: Clock) {
    // What is beside each other is on one file system, as a rule: it is asked once whether that answers.
    const places = new Map(
      folders.map(({ path }) => [dirname(path), new PatientFiles(files, clock, dirname(path))]),
    );
    this.roots = folders.map((folder) => ({ ...folder, files: places.get(dirname(folder.path)) ?? files }));
    this.#clock = clock;
  }

  /** @returns null if no agent keeps transcripts there. */
  at(path: string): TranscriptFile | null {
    for (const root of this.roots) {
      const place = isIn(root, path) ? root.agent.placeOf(relative(root, path)) : null;
      if (place !== null) return { root, place, path };
    }
    return null;
  }

  /** Remembers where a session has a file. */
  learn(file: TranscriptFile): void {
    const { id } = file.place;
    const files = this.#known.get(id) ?? new Map<string, TranscriptFile>();
    files.set(file.path, file);
    this.#known.set(id, files);
  }

  /** Where the session has files, as far as is known: nothing is looked at. */
  known(id: SessionId): readonly TranscriptFile[] {
    return [...(this.#known.get(id)?.values() ?? [])];
  }

  /** One stat per file that is known of the session. @returns null if none of them is there (any more). */
  async look(id: SessionId): Promise<Transcript | null> {
    const known = this.known(id);
    const found = await present(known);
    const paths = new Set(found.map(({ path }) => path));
    for (const { path } of known) if (!paths.has(path)) this.#forget(id, path);
    return transcriptOf(id, found);
  }

  /** As `look`, but searches all folders if it is not known where the session is; how often is bounded by a backoff. */
  async find(id: SessionId): Promise<Transcript | null> {
    const known = await this.look(id);
    if (known !== null) return known;
    await this.#searchFolders();
    const found = await this.look(id);
    if (found !== null) this.#search = { ...this.#search, nextMs: 0, waitMs: SEARCH_BACKOFF_MS.first };
    return found;
  }

  /** Every transcript there is, the newest first, and what roots could not be searched. */
  async all(): Promise<{ transcripts: Transcript[]; failures: { path: string; error: unknown }[] }> {
    const failures: { path: string; error: unknown }[] = [];
    const searches = this.roots.map(async ({ path }) => {
      try {
        return await this.#filesIn([path]);
      } catch (error) {
        failures.push({ path, error });
        return [];
      }
    });
    const transcripts = await this.#whole((await Promise.all(searches)).flat());
    return { transcripts: transcripts.sort(newestFirst), failures };
  }

  /**
   * Every transcript that has a file in some folders, the newest first; each folder in them is read once, links to
   * folders are not followed.
   *
   * @param folders roots' paths, or paths in roots; what is no folder holds none.
   */
  async in(folders: readonly string[]): Promise<Transcript[]> {
    return (await this.#whole(await this.#filesIn(folders))).sort(newestFirst);
  }

  /** Learns where the session has files, wherever its agent keeps transcripts: folders are read, no file is looked at. */
  async searchParts(id: SessionId, agent: Agent): Promise<void> {
    for (const root of this.roots) {
      if (root.agent.name !== agent.name) continue;
      for (const file of await listed(root, [root.path])) if (file.place.id === id) this.learn(file);
    }
  }

  /** @returns a token of the folder that is there now, by which it is told from another one; null if there is none. */
  async folderToken(folder: string): Promise<string | null> {
    const root = this.roots.find((root) => folder === root.path || isIn(root, folder));
    const [stats] = root === undefined ? [] : await root.files.stats([folder]);
    return stats?.isDirectory() === true ? `${stats.dev}:${stats.ino}` : null;
  }

  async #filesIn(folders: readonly string[]): Promise<FileOnDisk[]> {
    const found: FileOnDisk[] = [];
    for (const root of this.roots) {
      const inRoot = folders.filter((folder) => folder === root.path || isIn(root, folder));
      found.push(...(await present(await listed(root, inRoot))));
    }
    for (const file of found) this.learn(file);
    return found;
  }

  /** Some of the files may lie elsewhere: then all that are known of the session are looked at. */
  async #whole(found: readonly FileOnDisk[]): Promise<Transcript[]> {
    const transcripts: Transcript[] = [];
    for (const [id, files] of Map.groupBy(found, ({ place }) => place.id)) {
      const isAll = files.length === this.#known.get(id)?.size;
      const transcript = isAll ? transcriptOf(id, files) : await this.look(id);
      if (transcript !== null) transcripts.push(transcript);
    }
    return transcripts;
  }

  /** One search serves all who ask meanwhile: it finds every session there is. */
  #searchFolders(): Promise<void> {
    const nowMs = this.#clock.now();
    const { running, nextMs, waitMs } = this.#search;
    if (running !== null) return running;
    if (nowMs < nextMs) return Promise.resolve();
    const search = this.all().then(() => {
      this.#search = { ...this.#search, running: null };
    });
    this.#search = {
      running: search,
      nextMs: nowMs + waitMs,
      waitMs: Math.min(waitMs * 2, SEARCH_BACKOFF_MS.max),
    };
    return search;
  }

  #forget(id: SessionId, path: string): void {
    const files = this.#known.get(id);
    files?.delete(path);
    if (files?.size === 0) this.#known.delete(id);
  }
}

/** When any of its files was last written to (ms since the epoch). */
export function lastWriteMs(transcript: Transcript): number {
  return Number(lastWriteNs(transcript) / 1_000_000n);
}

function newestFirst(a: Transcript, b: Transcript): number {
  return Number(lastWriteNs(b) - lastWriteNs(a));
}

function lastWriteNs({ files }: Transcript): bigint {
  return files.reduce((latest, { stats }) => (stats.mtimeNs > latest ? stats.mtimeNs : latest), 0n);
}

/** Those of the files that are there. FIFOs and devices are no files: they are never opened. */
async function present(files: readonly TranscriptFile[]): Promise<FileOnDisk[]> {
  const byRoot = [...Map.groupBy(files, ({ root }) => root)];
  const looks = byRoot.map(async ([root, here]) => {
    const stats = await root.files.stats(here.map(({ path }) => path));
    return here.flatMap((file, index) => {
      const found = stats[index];
      return found?.isFile() === true ? [{ ...file, stats: found, token: tokenOf(found) }] : [];
    });
  });
  return (await Promise.all(looks)).flat();
}

async function listed(root: Root, within: readonly string[]): Promise<TranscriptFile[]> {
  const found: TranscriptFile[] = [];
  const folders = [...within];
  while (folders.length > 0) {
    const batch = folders.splice(0, FOLDERS_AT_ONCE);
    const listings = await Promise.all(batch.map((path) => root.files.folder(path)));
    for (const [index, entries] of listings.entries()) {
      for (const entry of entries ?? []) {
        const path = join(batch[index] ?? root.path, entry.name);
        if (entry.isDirectory()) folders.push(path);
        const place =
          entry.isFile() || entry.isSymbolicLink() ? root.agent.placeOf(relative(root, path)) : null;
        if (place !== null) found.push({ root, place, path });
      }
    }
  }
  return found;
}

/** @returns null if there are no files. */
function transcriptOf(id: SessionId, found: readonly FileOnDisk[]): Transcript | null {
  const parts = new Map<string, FileOnDisk>();
  for (const file of found) {
    const twin = parts.get(file.place.part);
    if (twin === undefined || isBetter(file, twin)) parts.set(file.place.part, file);
  }
  const files = [...parts.values()].sort((a, b) => (a.place.part < b.place.part ? -1 : 1));
  const [first, ...rest] = files;
  return first === undefined ? null : { id, files: [first, ...rest] };
}

/**
 * A session may have a file twice: compressed beside plain, in a copied folder, through a linked root. The one that was
 * written last is its truth.
 */
function isBetter(file: FileOnDisk, twin: FileOnDisk): boolean {
  if (file.place.compression !== twin.place.compression) return file.place.compression === null;
  if (file.stats.mtimeNs !== twin.stats.mtimeNs) return file.stats.mtimeNs > twin.stats.mtimeNs;
  return file.path < twin.path;
}

function isIn(root: Root, path: string): boolean {
  return path.startsWith(root.path + sep);
}

/** @returns the path as agents know it. */
function relative(root: Root, path: string): string {
  return path.slice(root.path.length + 1).replaceAll(sep, "/");
}
