/** What a server logs: each line with its facts as properties, never a query or a header. */

import type { Logger } from "@logtape/logtape";
import type { AnsweredRequest } from "../../server/request-observer.ts";
import type { StreamObserver } from "../../server/stream-observer.ts";

/** One line for each request, at `debug`. */
export function logRequest(log: Logger, { tookMs, ...request }: AnsweredRequest): void {
  log.debug("{method} {path} {status} in {tookMs} ms", { ...request, tookMs: rounded(tookMs) });
}

/** @returns an observer that logs the begin and the end of each stream at `debug`, and tells `observer` everything. */
export function loggedStreams(log: Logger, observer: StreamObserver): StreamObserver {
  return {
    onOpen(kind) {
      observer.onOpen(kind);
      log.debug("stream opened: {kind}", { kind });
    },
    onClose(kind, reason, openMs) {
      observer.onClose(kind, reason, openMs);
      log.debug("stream closed: {kind}, {reason}, after {openMs} ms", {
        kind,
        reason,
        openMs: rounded(openMs),
      });
    },
    onSent: (kind, lagMs) => observer.onSent(kind, lagMs),
  };
}

/** To whole microseconds. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
