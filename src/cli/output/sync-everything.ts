/** Syncs all transcripts once, for commands that wait for it: with a bar on the terminal, and failures in the log. */

import process from "node:process";
import type { Logger } from "@logtape/logtape";
import { systemClock } from "../../runtime/clock.ts";
import type { SyncEngine, SyncReport } from "../../sync/engine.ts";
import type { Synced } from "../../sync/sync-runner.ts";
import { ProgressBar } from "./progress.ts";
import { Troubles } from "./troubles.ts";

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
