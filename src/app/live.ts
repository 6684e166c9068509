/** Live sync as the commands that follow sessions need it: with what goes wrong in the log. */

import type { Logger } from "@logtape/logtape";
import { messageOf } from "../errors.ts";
import { systemClock } from "../runtime/clock.ts";
import type { SyncEngine } from "../sync/engine.ts";
import { systemWatch } from "../sync/live/folder-watch.ts";
import { LiveSync } from "../sync/live/live.ts";
import type { SessionId } from "../session/session.ts";
import { Troubles } from "../cli/output/troubles.ts";

/** The flags of every command that follows sessions. */
export interface LiveFlags {
  /** In ms. */
  pollInterval: number;
  /** Watch nothing, poll everything. @default false */
  poll?: boolean;
}

/** Which sessions are followed. */
export interface StartLiveOptions {
  /** Follow this session alone. @default every session */
  only?: SessionId;
}

/** A live sync that is under way. */
export interface Live {
  /** Resolves when everything that was there is synced. */
  synced: Promise<void>;
  /** How many transcripts wait for their turn to be synced. */
  readonly waiting: number;
  stop(): void;
}

/** Goes on until it is stopped; what goes wrong is logged and tried again. */
export function startLive(
  engine: SyncEngine,
  flags: LiveFlags,
  log: Logger,
  options: StartLiveOptions = {},
): Live {
  const troubles = new Troubles(log, systemClock);
  engine.onSynced((synced) => troubles.synced(synced));
  const live = new LiveSync(engine, systemClock, {
    ...options,
    pollIntervalMs: flags.pollInterval,
    watch: flags.poll === true ? null : systemWatch,
    onFailure: (failure) => troubles.failed(failure),
    onUncovered: (folder, error) =>
      log.warning(
        `cannot watch all of ${folder} (${messageOf(error)}): polling takes the place of notifications`,
      ),
  });
  return {
    synced: live.start(),
    get waiting() {
      return live.waiting;
    },
    stop() {
      live.stop();
      troubles.flush();
    },
  };
}
