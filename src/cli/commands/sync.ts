/** `watch sync`: brings the archive up to date once. */

import { resolve } from "node:path";
import type { Logger } from "@logtape/logtape";
import { WatchError } from "../../errors.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { SyncEngine } from "../../sync/engine.ts";
import type { Store } from "../../watch/ports.ts";
import { resolveId } from "../../watch/resolve.ts";
import type { SessionId } from "../../session/session.ts";
import { EXIT } from "../exit.ts";
import { localIndex } from "../../app/lookup.ts";
import { writeLine } from "../output/output.ts";
import { summaryLine } from "../output/progress.ts";
import { syncEverything } from "../output/sync-everything.ts";
import { wire } from "../../app/wiring.ts";
import type { CommonOptions } from "../../app/wiring.ts";

/** The flags of `watch sync`. */
export interface SyncOptions extends CommonOptions {
  /** Under which this machine's sessions are synced. */
  machine?: string;
}

/**
 * @param target a transcript's path or a session; everything if undefined.
 * @returns the exit code: 1 if any transcript could not be read.
 */
export async function sync(target: string | undefined, options: SyncOptions, log: Logger): Promise<number> {
  const { store, engine, close } = await wire(options, log, { machine: options.machine, mustWrite: true });
  try {
    if (engine === undefined) {
      throw new WatchError(
        "usage",
        options.sync ? "sync: only our own archive can be synced" : "sync: not with --no-sync",
      );
    }
    if (target !== undefined) {
      const id = await syncOne(target, store, engine);
      await writeLine(`synced ${id}`);
      return EXIT.done;
    }
    const startedMs = systemClock.now();
    const report = await syncEverything(engine, log);
    await writeLine(summaryLine(report, systemClock.now() - startedMs));
    return report.failures.length === 0 ? EXIT.done : EXIT.failed;
  } finally {
    await close();
  }
}

/** @returns the session. @throws WatchError `session_not_found` if nothing is there that could be synced. */
async function syncOne(target: string, store: Store, engine: SyncEngine): Promise<SessionId> {
  const file = engine.lines.index.at(resolve(target));
  if (file !== null) engine.lines.index.learn(file);
  const id = file?.place.id ?? (await resolveId(target, localIndex(store, engine)));
  if ((await engine.find(id)) === null)
    throw new WatchError("session_not_found", `there is no transcript: ${target}`);
  if (await engine.isOffLimits(id))
    throw new WatchError("forbidden", `session ${id} is left alone: it was deleted, or is another machine's`);
  await engine.sync(id);
  return id;
}
