/** Which transcripts there are, and where. */

import type { Dirent } from "node:fs";
import { dirname, join, sep } from "node:path";
import type { LinesAgent } from "../../agents/agent.ts";
import { WatchError } from "../../errors.ts";
import { backoffMs } from "../../async/backoff.ts";
import type { Clock } from "../../async/clock.ts";
import type { SessionId } from "../../session/session.ts";
import { tokenOf } from "../reading/files.ts";
import type { Files } from "../reading/files.ts";
import { GuardedFiles } from "../reading/guarded-files.ts";
import { transcriptOf } from "../reading/transcript.ts";
import type { FileOnDisk, Root, RootFolder, Transcript, TranscriptFile } from "../reading/transcript.ts";
import { unreadable } from "../reading/unreadable.ts";
import type { Unreadable } from "../reading/unreadable.ts";

/** Between two searches of all folders for sessions whose transcript is unknown. */
const SEARCH_BACKOFF = { firstMs: 1500, maxMs: 60_000 };
/** So many folders are read at once. */
const FOLDERS_AT_ONCE = 16;

/** What a search has found. */
export interface Listing {
  transcripts: Transcript[];
  failures: Unreadable[];
}

/** The search of all folders: the one under way, and when the next may begin. */
interface Search {
  running: Promise<void> | null;
  nextMs: number;
  /** Searches since the last success. */
  misses: number;
}

export class TranscriptIndex {
  readonly roots: readonly Root[];
  readonly #clock: Clock;
  readonly #known = new Map<SessionId, Map<string, TranscriptFile>>();
  #search: Search = { running: null, nextMs: 0, misses: 0 };

  constructor(folders: readonly RootFolder[], files: Files, clock: Clock) {
    // Sibling folders are usually on one file system, so they share one guard.
    const ways = new Map<string, Files>();
    this.roots = folders.map((folder) => {
      const place = dirname(folder.path);
      const way = ways.get(place) ?? new GuardedFiles(files, clock, place);
      ways.set(place, way);
      return { ...folder, files: way };
    });
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
    if (found !== null) this.#search = { ...this.#search, nextMs: 0, misses: 0 };
    return found;
  }

  /** Every transcript there is. */
  async all(): Promise<Listing> {
    const failures: Unreadable[] = [];
    const searches = this.roots.map(async ({ path }) => {
      try {
        return await this.#filesIn([path], failures);
      } catch (error) {
        failures.push({ path, error });
        return [];
      }
    });
    return await this.#whole((await Promise.all(searches)).flat(), failures);
  }

  /**
   * Every transcript that has a file in some folders; each folder in them is read once, links to folders are not
   * followed.
   *
   * @param folders roots' paths, or paths in roots; a path that is no folder holds none.
   * @throws WatchError `transcript_unreadable` if a root does not answer.
   */
  async in(folders: readonly string[]): Promise<Listing> {
    const failures: Unreadable[] = [];
    return await this.#whole(await this.#filesIn(folders, failures), failures);
  }

  /** Learns where the session has files, wherever its agent keeps transcripts: folders are read, no file is looked at. */
  async searchParts(id: SessionId, agent: LinesAgent): Promise<void> {
    for (const root of this.roots) {
      if (root.agent.name !== agent.name) continue;
      for (const file of await listed(root, [root.path], [])) if (file.place.id === id) this.learn(file);
    }
  }

  /** @returns a token that identifies the folder that is there now; null if there is none. */
  async folderToken(folder: string): Promise<string | null> {
    const root = this.roots.find((root) => folder === root.path || isIn(root, folder));
    const [stats] = root === undefined ? [] : await root.files.stats([folder]);
    if (stats?.isDirectory() !== true) return null;
    // A folder that is made anew may get the inode of the one before. Where births are not recorded, they are all 0.
    return `${stats.dev}:${stats.ino}:${stats.birthtimeNs}`;
  }

  async #filesIn(folders: readonly string[], failures: Unreadable[]): Promise<FileOnDisk[]> {
    const found: FileOnDisk[] = [];
    for (const root of this.roots) {
      const inRoot = folders.filter((folder) => folder === root.path || isIn(root, folder));
      found.push(...(await present(await listed(root, inRoot, failures))));
    }
    for (const file of found) this.learn(file);
    return found;
  }

  /** Some of the files may lie elsewhere: then all that are known of the session are looked at. */
  async #whole(found: readonly FileOnDisk[], failures: Unreadable[]): Promise<Listing> {
    const transcripts: Transcript[] = [];
    for (const [id, files] of Map.groupBy(found, ({ place }) => place.id)) {
      const isAll = files.length === this.#known.get(id)?.size;
      try {
        const transcript = isAll ? transcriptOf(id, files) : await this.look(id);
        if (transcript !== null) transcripts.push(transcript);
      } catch (error) {
        failures.push({ path: files[0]?.path ?? "", error });
      }
    }
    return { transcripts, failures };
  }

  /** One search serves all who ask meanwhile: it finds every session there is. */
  #searchFolders(): Promise<void> {
    const nowMs = this.#clock.now();
    const { running, nextMs, misses } = this.#search;
    if (running !== null) return running;
    if (nowMs < nextMs) return Promise.resolve();
    const search = this.#searchNow();
    const waitMs = backoffMs(misses + 1, SEARCH_BACKOFF);
    this.#search = { running: search, nextMs: nowMs + waitMs, misses: misses + 1 };
    return search;
  }

  async #searchNow(): Promise<void> {
    try {
      await this.all();
    } finally {
      this.#search = { ...this.#search, running: null };
    }
  }

  #forget(id: SessionId, path: string): void {
    const files = this.#known.get(id);
    files?.delete(path);
    if (files?.size === 0) this.#known.delete(id);
  }
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

async function listed(
  root: Root,
  within: readonly string[],
  failures: Unreadable[],
): Promise<TranscriptFile[]> {
  const found: TranscriptFile[] = [];
  const folders = [...within];
  while (folders.length > 0) {
    const batch = folders.splice(0, FOLDERS_AT_ONCE);
    const listings = await Promise.all(batch.map((path) => entriesOf(root, path, failures)));
    for (const [index, entries] of listings.entries()) {
      for (const entry of entries) {
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

/** A folder that may not be read hides no other one. @throws WatchError `transcript_unreadable` if the root does not answer. */
async function entriesOf(root: Root, path: string, failures: Unreadable[]): Promise<Dirent[]> {
  try {
    return (await root.files.folder(path)) ?? [];
  } catch (error) {
    if (error instanceof WatchError) throw error;
    failures.push({ path, error: unreadable(path, error, "folder") });
    return [];
  }
}

function isIn(root: Root, path: string): boolean {
  return path.startsWith(root.path + sep);
}

/** @returns the path as agents know it. */
function relative(root: Root, path: string): string {
  return path.slice(root.path.length + 1).replaceAll(sep, "/");
}
