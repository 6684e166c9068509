/** `watch sync`: brings the archive up to date once. */

import process from "node:process";
import { resolve } from "node:path";
import type { Logger } from "@logtape/logtape";
import { WatchError } from "../errors.ts";
import { systemClock } from "../runtime/clock.ts";
import type { Synced, SyncEngine, SyncReport } from "../sync/engine.ts";
import { resolveId } from "../watch/resolve.ts";
import { EXIT } from "./exit.ts";
import { localIndex } from "./lookup.ts";
import { writeLine } from "./output.ts";
import { ProgressBar, summaryLine } from "./progress.ts";
import { Troubles } from "./troubles.ts";
import { wire } from "./wiring.ts";
import type { CommonOptions } from "./wiring.ts";

/**
 * @param target a transcript's path or a session; everything if undefined.
 * @returns the exit code: 1 if any transcript could not be read.
 */
export async function sync(target: string | undefined, options: CommonOptions, log: Logger): Promise<number> {
  const { store, engine, close } = wire(options, log);
  try {
    if (engine === undefined) {
      throw new WatchError(
        "usage",
        options.sync ? "sync: only our own archive can be synced" : "sync: not with --no-sync",
      );
    }
    if (target !== undefined) {
      const file = engine.catalog.at(resolve(target));
      if (file === null) await engine.sync(await resolveId(target, localIndex(store, engine)));
      else await engine.syncFile(file);
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

/** Shows how far it is, on a terminal; a transcript that cannot be read is named and passed by. */
export async function syncEverything(engine: SyncEngine, log: Logger): Promise<SyncReport> {
  const bar = canRedraw(process.stderr) ? await ProgressBar.on(process.stderr, systemClock) : undefined;
  const commits: Synced[] = [];
  engine.onSynced((synced) => void commits.push(synced));
  const syncing = engine.syncAll({ onProgress: (progress) => bar?.update(progress) });
  const report = await syncing.finally(() => bar?.clear());
  // Not before: a line that is written below the bar is erased with it.
  const troubles = new Troubles(log, systemClock);
  for (const failure of report.failures) troubles.failed(failure);
  for (const synced of commits) troubles.synced(synced);
  troubles.flush();
  return report;
}

/** A dumb terminal, such as an editor's, only knows how to append. */
function canRedraw(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && process.env["TERM"] !== "dumb";
}
