/** Follows sessions through a running server: reconnects, and misses nothing. */

import type { Logger } from "@logtape/logtape";
import { systemClock } from "../runtime/clock.ts";
import type { StreamEvent } from "../session/events.ts";
import { AllSessions } from "../client/all-sessions.ts";
import type { EventStream } from "../client/event-stream.ts";
import { ServerFailure } from "../client/failures.ts";
import { OneSession } from "../client/one-session.ts";
import { Retries } from "../client/retries.ts";
import { ServerApi } from "../client/server-api.ts";
import type { Subject } from "../client/subject.ts";
import type { Target } from "../cli/input/target.ts";

export interface RemoteOptions {
  /** Begin with the present state. */
  initial: boolean;
  /** Connections in a row that brought nothing before giving up. */
  maxRetries: number;
  /** Sent to the server, and to nobody else. */
  token: string | null;
  signal: AbortSignal;
  log: Logger;
}

/** A connection that has lived for so long (ms) was a good one, even if it has brought nothing. */
const GOOD_AFTER_MS = 5000;

/**
 * Goes on until it fails, or `signal` aborts.
 *
 * @throws WatchError `usage`, `session_not_found`, `session_ambiguous`, `server_unreachable`, `server_refused`; the
 * signal's reason.
 */
export async function* followRemote(
  target: Target,
  server: string,
  options: RemoteOptions,
): AsyncGenerator<StreamEvent, void, void> {
  const { initial, token, maxRetries, signal, log } = options;
  const clock = systemClock;
  const api = new ServerApi(server, { token, signal, clock });
  const subject =
    "id" in target ? new OneSession(target.id, api, clock) : new AllSessions(target.filter, api, clock);
  const retries = new Retries(api.origin, { maxRetries, signal, clock, log });
  try {
    const present = await retries.until(() => subject.begin());
    if (initial) yield* present;
    for (;;) yield* connection(subject, retries, api.origin);
  } finally {
    retries.end();
  }
}

/** What one connection brings; ends when it is time for the next one. */
async function* connection(
  subject: Subject,
  retries: Retries,
  origin: string,
): AsyncGenerator<StreamEvent, void, void> {
  let stream: EventStream | null = null;
  let failure: unknown = new ServerFailure(
    `cannot reach ${origin}: the stream has ended`,
    "the stream has ended",
  );
  let askedMs: number | null = null;
  let connectedMs = Infinity;
  try {
    stream = await subject.connect();
    connectedMs = systemClock.now();
    retries.connected();
    yield* subject.read(stream);
    askedMs = stream.retryMs;
  } catch (error) {
    failure = error;
  }
  const wasGood = stream?.hasBrought === true || systemClock.now() - connectedMs >= GOOD_AFTER_MS;
  await retries.after(failure, { wasGood, askedMs });
}
