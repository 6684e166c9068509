/** Follows sessions through a running server: reconnects when the stream ends, and misses nothing. */

import type { Clock } from "../async/clock.ts";
import type { StreamEvent } from "../session/events.ts";
import type { FollowTarget } from "../session/follow-target.ts";
import { AllSessions } from "./all-sessions.ts";
import type { ConnectionEvent } from "./connection-event.ts";
import type { EventStream } from "./event-stream.ts";
import type { FollowedSessions } from "./followed-sessions.ts";
import { OneSession } from "./one-session.ts";
import { MAX_RETRIES, Retries } from "./retries.ts";
import { ServerApi } from "./server-api.ts";
import { ServerFailure } from "./server-failure.ts";

export interface FollowOverHttpOptions {
  /** Ends the stream; its reason is thrown. @default never */
  signal?: AbortSignal;
  /** Begin with the current state of each session. @default false */
  initial?: boolean;
  /** Failed connections in a row before giving up. @default 20 */
  maxRetries?: number;
  /** Sent to the server, and to no other. @default none */
  token?: string | null;
  /** Called when the connection is lost for long, restored or tried again. @default nothing */
  onConnection?: (event: ConnectionEvent) => void;
}

/** A connection that lived for this long (ms) was useful, even without an event. */
const GOOD_AFTER_MS = 5000;

/**
 * Yields events until it fails or `signal` aborts.
 *
 * @param server its address, such as `http://127.0.0.1:7373`.
 * @throws WatchError `usage`, `session_not_found`, `session_ambiguous`, `server_unreachable`, `server_refused`; the
 * signal's reason.
 */
export async function* followOverHttp(
  server: string,
  target: FollowTarget,
  clock: Clock,
  options: FollowOverHttpOptions = {},
): AsyncGenerator<StreamEvent, void, void> {
  const { initial = false, maxRetries = MAX_RETRIES, token = null } = options;
  const { signal = new AbortController().signal, onConnection = ignore } = options;
  const api = new ServerApi(server, { token, signal, clock });
  const sessions =
    "id" in target ? new OneSession(target.id, api, clock) : new AllSessions(target.filter, api, clock);
  const retries = new Retries(api.origin, { maxRetries, signal, clock, onConnection });
  try {
    const present = await retries.until(() => sessions.begin());
    if (initial) yield* present;
    for (;;) yield* connection(sessions, api.origin, retries, clock);
  } finally {
    retries.end();
  }
}

/** Yields the events of one connection; ends when it is time for the next one. */
async function* connection(
  sessions: FollowedSessions,
  origin: string,
  retries: Retries,
  clock: Clock,
): AsyncGenerator<StreamEvent, void, void> {
  let stream: EventStream | null = null;
  let failure: unknown = new ServerFailure(`cannot reach ${origin}: the stream ended`, "the stream ended");
  let askedMs: number | null = null;
  let connectedMs = Infinity;
  try {
    stream = await sessions.connect();
    connectedMs = clock.now();
    retries.connected();
    yield* sessions.read(stream);
    askedMs = stream.retryMs;
  } catch (error) {
    failure = error;
  }
  const wasGood = stream?.hasBrought === true || clock.now() - connectedMs >= GOOD_AFTER_MS;
  await retries.after(failure, { wasGood, askedMs });
}

function ignore(): void {}
