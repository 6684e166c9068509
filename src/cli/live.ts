/** Live sync as the commands that follow sessions need it: with what goes wrong in the log. */

import type { Logger } from "@logtape/logtape";
import { messageOf } from "../errors.ts";
import { systemClock } from "../runtime/clock.ts";
import type { SyncEngine } from "../sync/engine.ts";
import { systemWatch } from "../sync/folder-watch.ts";
import { LiveSync } from "../sync/live.ts";
import type { SessionId } from "../watch/session.ts";
import { Troubles } from "./troubles.ts";

export interface LiveFlags {
  /** In ms. */
  pollInterval: number;
  /** Watch nothing, poll everything. */
  poll?: boolean;
}

export interface Live {
  /** Resolves when everything that was there is synced. */
  synced: Promise<void>;
  stop(): void;
}

/** @param only follow this session alone. */
export function startLive(engine: SyncEngine, flags: LiveFlags, log: Logger, only?: SessionId): Live {
  const troubles = new Troubles(log, systemClock);
  engine.onSynced((synced) => troubles.synced(synced));
  const live = new LiveSync(engine, systemClock, {
    pollIntervalMs: flags.pollInterval,
    watch: flags.poll === true ? null : systemWatch,
    onFailure: (failure) => troubles.failed(failure),
    onUncovered: (folder, error) =>
      log.warning(
        `cannot watch all of ${folder} (${messageOf(error)}): polling takes the place of notifications`,
      ),
    ...(only === undefined ? {} : { only }),
  });
  return {
    synced: live.start(),
    stop() {
      live.stop();
      troubles.flush();
    },
  };
}
