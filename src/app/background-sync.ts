/** Live sync while a command runs: syncs transcripts as they are written, and reports what goes wrong. */

import { messageOf } from "../errors.ts";
import { systemClock } from "../runtime/clock.ts";
import type { SessionId } from "../session/session.ts";
import type { SyncEngine } from "../sync/engine.ts";
import { systemWatch } from "../sync/live/folder-watch.ts";
import { LiveSync } from "../sync/live/live.ts";
import type { Reporter } from "./reporter.ts";

export interface BackgroundSyncOptions {
  /** In ms. */
  pollInterval: number;
  /** Poll everything instead of watching folders. @default false */
  poll?: boolean;
}

export interface BackgroundSync {
  /** Resolves when everything that had changed before is synced. */
  synced: Promise<void>;
  /** Transcripts that wait to be synced. */
  readonly waiting: number;
  stop(): void;
}

/**
 * Runs until it is stopped; failures are reported and retried.
 *
 * @param only the one session to sync; undefined for all.
 */
export function startBackgroundSync(
  engine: SyncEngine,
  options: BackgroundSyncOptions,
  reporter: Reporter,
  only?: SessionId,
): BackgroundSync {
  engine.onSynced((synced) => reporter.synced(synced));
  const live = new LiveSync(engine, systemClock, {
    ...(only === undefined ? {} : { only }),
    pollIntervalMs: options.pollInterval,
    watch: options.poll === true ? null : systemWatch,
    onFailure: (failure) => reporter.failed(failure),
    onUncovered: (folder, error) =>
      reporter.warn(`cannot watch all of ${folder} (${messageOf(error)}); polling it instead`),
  });
  return {
    synced: live.start(),
    get waiting() {
      return live.waiting;
    },
    stop: () => live.stop(),
  };
}
