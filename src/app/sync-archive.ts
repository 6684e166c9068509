/** Brings an archive up to date once: everything, or one session. */

import { resolve } from "node:path";
import { WatchError } from "../errors.ts";
import { systemClock } from "../runtime/clock.ts";
import type { SessionId } from "../session/session.ts";
import type { SyncEngine, SyncReport } from "../sync/engine.ts";
import type { Store } from "../watch/ports.ts";
import { resolveId } from "../watch/resolve.ts";
import { localIndex } from "./lookup.ts";
import type { Reporter } from "./reporter.ts";
import { syncEverything } from "./sync-everything.ts";
import type { ProgressDisplay } from "./sync-everything.ts";
import { wire } from "./wiring.ts";
import type { ArchiveOptions } from "./wiring.ts";

export interface SyncArchiveOptions extends ArchiveOptions {
  /** The name under which this machine's sessions are synced. */
  machine?: string;
}

/**
 * @returns what was synced, and how long (ms) it took.
 * @throws WatchError `usage` if the archive cannot be synced, `archive_unavailable`, `archive_unusable`.
 */
export async function syncArchive(
  options: SyncArchiveOptions,
  reporter: Reporter,
  display: ProgressDisplay | undefined,
): Promise<{ report: SyncReport; tookMs: number }> {
  return await withEngine(options, reporter, async (engine) => {
    const startedMs = systemClock.now();
    const report = await syncEverything(engine, reporter, display);
    return { report, tookMs: systemClock.now() - startedMs };
  });
}

/**
 * @param target a transcript's path, or a session as a person names it.
 * @returns the session.
 * @throws also WatchError `session_not_found`, `session_ambiguous`, `forbidden`, `transcript_unreadable`.
 */
export async function syncSession(
  target: string,
  options: SyncArchiveOptions,
  reporter: Reporter,
): Promise<SessionId> {
  return await withEngine(options, reporter, async (engine, store) => {
    const document = await engine.syncDocument(resolve(target));
    if (document !== null) return document;
    const file = engine.lines.index.at(resolve(target));
    if (file !== null) engine.lines.index.learn(file);
    const id = file?.place.id ?? (await resolveId(target, localIndex(store, engine)));
    if ((await engine.find(id)) === null)
      throw new WatchError("session_not_found", `there is no transcript of ${target}`);
    if (await engine.isOffLimits(id)) {
      const why = "it was deleted, or belongs to another machine";
      throw new WatchError("forbidden", `session ${id} is not synced: ${why}`);
    }
    await engine.sync(id);
    return id;
  });
}

async function withEngine<T>(
  options: SyncArchiveOptions,
  reporter: Reporter,
  work: (engine: SyncEngine, store: Store) => Promise<T>,
): Promise<T> {
  const { machine } = options;
  const { store, engine, close } = await wire(options, reporter, { machine, mustWrite: true });
  try {
    if (engine !== undefined) return await work(engine, store);
    throw new WatchError(
      "usage",
      "`watch sync` works only with our own archive; this one is another program's",
    );
  } finally {
    await close();
  }
}
