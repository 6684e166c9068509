/** The log of a server: each line has its facts as properties, and never a query or a header. */

import type { Logger } from "@logtape/logtape";
import type { ServerObserver } from "../../app/serve.ts";
import { messageOf } from "../../errors.ts";
import type { AnsweredRequest } from "../../server/request-observer.ts";
import type { StreamObserver } from "../../server/stream-observer.ts";

/** @returns an observer that logs each request and stream at `debug`, and failed requests at `error`. */
export function serverLog(log: Logger): Omit<ServerObserver, "reporter"> {
  return {
    streams: streamLog(log),
    onRequest: ({ tookMs, ...request }: AnsweredRequest) =>
      log.debug("{method} {path} {status} in {tookMs} ms", { ...request, tookMs: rounded(tookMs) }),
    onError: (error) => log.error(messageOf(error), { error }),
  };
}

function streamLog(log: Logger): StreamObserver {
  return {
    onOpen: (kind) => log.debug("stream opened: {kind}", { kind }),
    onClose: (kind, reason, openMs) =>
      log.debug("stream closed: {kind}, {reason}, after {openMs} ms", {
        kind,
        reason,
        openMs: rounded(openMs),
      }),
    // Far too many for a log.
    onSent: () => undefined,
  };
}

/** To whole microseconds. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
