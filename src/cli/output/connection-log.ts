/** Logs the connection to a server: disconnections of some seconds and reconnects; each attempt at `debug`. */

import type { Logger } from "@logtape/logtape";
import type { ConnectionEvent } from "../../client/connection-event.ts";

export function logConnection(log: Logger, event: ConnectionEvent): void {
  switch (event.kind) {
    case "lost": {
      const { origin, forMs, reason } = event;
      log.warning(`no connection to ${origin} for ${forMs / 1000} s (${reason}), still trying`);
      break;
    }
    case "restored":
      log.info(`connected to ${event.origin} again`);
      break;
    case "retrying":
      log.debug(`${event.failure.message}, retrying in ${(event.waitMs / 1000).toFixed(1)} s`);
  }
}
