/** Follows a session through a running server: an SSE client that reconnects and misses nothing. */

import type { Logger } from "@logtape/logtape";
import type { EventSourceMessage } from "eventsource-parser";
import { messageOf, WatchError } from "../errors.ts";
import { systemClock } from "../runtime/clock.ts";
import { backoffMs } from "../watch/backoff.ts";
import type { SessionIndex } from "../watch/resolve.ts";
import { hasPrefix, isTopLevel, resolveId } from "../watch/resolve.ts";
import { eventFor } from "../watch/session.ts";
import { ServerApi } from "./server-api.ts";
import type { SessionId, SessionSummary, StreamEvent } from "../watch/session.ts";

export interface RemoteOptions {
  /** Begin with the present state. */
  initial: boolean;
  /** Connections in a row that brought nothing before giving up. */
  maxRetries: number;
  signal: AbortSignal;
  log: Logger;
}

/** Before a lost connection is tried again. */
const RECONNECT = { firstMs: 100, maxMs: 10_000 };
/** Sessions per page when ids are looked up. */
const PAGE_SIZE = 500;

/**
 * Ends without an error only when `signal` aborts.
 *
 * @throws WatchError `usage`, `session_not_found`, `session_ambiguous`, `server_unreachable`.
 */
export async function* followRemote(
  wanted: string,
  server: string,
  options: RemoteOptions,
): AsyncGenerator<StreamEvent, void, void> {
  const { initial, maxRetries, signal, log } = options;
  const api = new ServerApi(server, signal);
  const id = await resolveId(wanted, remoteIndex(api));
  if (signal.aborted) return;

  // The version that is known already: the stream begins after it, however often it has to be opened.
  const session = await sessionOrNull(api, id);
  let cursor = session?.version;
  if (initial && session !== null) {
    yield eventFor(id, { version: session.version, messageCount: session.message_count }, systemClock.now());
  }
  for (let failures = 0; !signal.aborted;) {
    try {
      for await (const message of api.events(id, cursor)) {
        failures = 0;
        if (message.id !== undefined && message.id !== "") cursor = message.id;
        const event = eventOf(message);
        if (event !== null) yield event;
      }
      throw new WatchError("server_unreachable", `the stream from ${api.origin} has ended`);
    } catch (error) {
      if (signal.aborted) return;
      if (isFinal(error)) throw error;
      failures += 1;
      if (failures > maxRetries) throw error;
      log.info(`${messageOf(error)}, retrying`);
    }
    await pause(backoffMs(failures, RECONNECT), signal);
  }
}

/** Trying again changes nothing about these. */
function isFinal(error: unknown): boolean {
  return error instanceof WatchError && error.code === "session_not_found";
}

/** @returns null for events that this program does not know. Servers that know no `data=json` send the bare id. */
function eventOf({ event, data }: EventSourceMessage): StreamEvent | null {
  switch (event) {
    case "heartbeat":
    case "degraded":
    case "recovered":
    case "session_updated":
    case "session_deleted":
      return withFields(event, data);
    default:
      return null;
  }
}

function withFields(event: StreamEvent["event"], data: string): StreamEvent {
  if (event !== "heartbeat" && data.startsWith("{")) {
    try {
      const fields = JSON.parse(data) as StreamEvent;
      if (fields.event === event) return fields;
    } catch {
      // An id may begin with a brace, too.
    }
  }
  return { event, data } as StreamEvent;
}

/** Waits for `ms`, give or take a fifth: clients of one server must not all come back at once. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      forget();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const forget = systemClock.after(ms * (0.8 + Math.random() * 0.4), end);
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
  });
}

function remoteIndex(api: ServerApi): SessionIndex {
  return {
    has: async (id) => (await sessionOrNull(api, id)) !== null,
    latest: async () => (await api.sessions(PAGE_SIZE)).sessions.find(isTopLevel)?.id ?? null,
    async idsStartingWith(prefix, limit) {
      const found: SessionId[] = [];
      let cursor: string | undefined;
      do {
        const page = await api.sessions(PAGE_SIZE, cursor);
        const ids = page.sessions.map(({ id }) => id);
        found.push(...ids.filter((id) => hasPrefix(id, prefix)));
        cursor = page.next_cursor ?? undefined;
      } while (cursor !== undefined && found.length < limit);
      return found.slice(0, limit);
    },
  };
}

async function sessionOrNull(api: ServerApi, id: SessionId): Promise<SessionSummary | null> {
  try {
    return await api.session(id);
  } catch (error) {
    if (isFinal(error)) return null;
    throw error;
  }
}
