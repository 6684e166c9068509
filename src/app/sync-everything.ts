/** Syncs all transcripts once, for commands that wait for it. */

import type { Progress, SyncEngine, SyncReport } from "../sync/engine.ts";
import type { Synced } from "../sync/sources/sync-runner.ts";
import type { Reporter } from "./reporter.ts";

/** Shows how far a sync is. */
export interface ProgressDisplay {
  update(progress: Progress): void;
  /** Called once, at the end. */
  clear(): void;
}

/** Reports failures when it is over: a line that is written below a progress bar is erased with the bar. */
export async function syncEverything(
  engine: SyncEngine,
  reporter: Reporter,
  display: ProgressDisplay | undefined,
): Promise<SyncReport> {
  const commits: Synced[] = [];
  engine.onSynced((synced) => void commits.push(synced));
  const syncing = engine.syncAll({ onProgress: (progress) => display?.update(progress) });
  const report = await syncing.finally(() => display?.clear());
  for (const failure of report.failures) reporter.failed(failure);
  for (const synced of commits) reporter.synced(synced);
  return report;
}
