/** Syncs one session for a client of the server: only a transcript in a folder where an agent keeps them. */

import { realpath } from "node:fs/promises";
import { isAbsolute, resolve, sep } from "node:path";
import { sessionNotFound, WatchError } from "../errors.ts";
import type { SyncTarget } from "../server/routes/sync-session.ts";
import type { SyncEngine } from "../sync/engine.ts";
import type { Root, TranscriptFile } from "../sync/reading/transcript.ts";
import type { Engine, Store } from "../watch/ports.ts";
import type { SessionId } from "../session/session.ts";

/** What can sync. */
export interface Syncers {
  store: Store;
  /** Only for our own archive. */
  engine: SyncEngine | undefined;
  /** Only for an archive of another program that can sync it. */
  delegate: Engine | undefined;
}

/**
 * @returns the session.
 * @throws WatchError `session_not_found`, `forbidden`, `usage`, `transcript_unreadable`, `archive_unavailable`.
 */
export async function syncOnRequest(target: SyncTarget, syncers: Syncers): Promise<SessionId> {
  const { store, engine, delegate } = syncers;
  if ("path" in target) return await syncPath(target.path, engine);
  const { id } = target;
  const isThere = engine === undefined ? (await store.get(id)) !== null : (await engine.find(id)) !== null;
  if (!isThere) throw sessionNotFound(id);
  await syncerOf(engine ?? delegate).sync(id);
  return id;
}

async function syncPath(path: string, engine: SyncEngine | undefined): Promise<SessionId> {
  const ours = syncerOf(engine);
  if (!isAbsolute(path)) throw new WatchError("usage", "path: use an absolute path");
  const document = await ours.syncDocument(resolve(path));
  if (document !== null) return document;
  const file = ours.lines.index.at(resolve(path));
  if (file === null || (await leadsOut(file, ours.lines.index.roots)))
    throw new WatchError("forbidden", "path: no agent keeps transcripts there");
  await ours.lines.taskOf(file).run();
  return file.place.id;
}

/** Whether symbolic links lead from an agent's folder to a place outside all agents' folders. */
async function leadsOut({ path, root }: TranscriptFile, roots: readonly Root[]): Promise<boolean> {
  // Fails if the file system does not answer; `realpath` alone would wait forever.
  await root.files.stats([path]);
  const target = await realPath(path);
  // There is nothing to read.
  if (target === null) return false;
  for (const { path: folder } of [root, ...roots]) {
    const real = await realPath(folder);
    if (real !== null && target.startsWith(real + sep)) return false;
  }
  return true;
}

/** @returns null if nothing is there, or it cannot be reached. */
async function realPath(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch (error) {
    if (UNREACHABLE.has((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
}

const UNREACHABLE = new Set(["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG", "EACCES"]);

function syncerOf<T extends Engine>(engine: T | undefined): T {
  if (engine !== undefined) return engine;
  throw new WatchError("forbidden", "this server only reads its archive and cannot sync");
}
