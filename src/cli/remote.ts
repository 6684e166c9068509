/** Follows a session through a running server: an SSE client that reconnects and misses nothing. */

import type { Logger } from "@logtape/logtape";
import { EventSourceParserStream } from "eventsource-parser/stream";
import type { EventSourceMessage } from "eventsource-parser";
import { messageOf, WatchError } from "../errors.ts";
import { systemClock } from "../runtime/clock.ts";
import type { SessionIndex } from "../watch/resolve.ts";
import { resolveId } from "../watch/resolve.ts";
import { eventFor } from "../watch/session.ts";
import type { SessionId, SessionSummary } from "../watch/session.ts";
import type { FollowedEvent } from "./follow.ts";

export interface RemoteOptions {
  /** Begin with the present state. */
  initial: boolean;
  /** Failed connections in a row before giving up. */
  maxRetries: number;
  signal: AbortSignal;
  log: Logger;
}

/** First and longest wait (ms) before a lost connection is tried again. */
const RECONNECT_MS = { first: 100, max: 10_000 };
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
): AsyncGenerator<FollowedEvent, void, void> {
  const { initial, maxRetries, signal, log } = options;
  const api = apiOf(server);
  const id = await resolveId(wanted, remoteIndex(api, signal));
  if (signal.aborted) return;

  // The version that is known already: the stream begins after it, however often it has to be opened.
  const session = await getSession(api, id, signal);
  let cursor = session?.version;
  if (initial && session !== null) {
    yield eventFor(
      id,
      { version: session.version, messageCount: session.message_count, sourceToken: null },
      systemClock.now(),
    );
  }
  for (let failures = 0; !signal.aborted;) {
    try {
      for await (const message of openStream(api, id, cursor, signal)) {
        failures = 0;
        if (message.id !== undefined && message.id !== "") cursor = message.id;
        const event = eventOf(message);
        if (event !== null) yield event;
      }
      if (!signal.aborted) log.info(`the stream from ${api.origin} ended, reconnecting`);
    } catch (error) {
      if (signal.aborted) return;
      if (isFinal(error)) throw error;
      failures += 1;
      if (failures > maxRetries) throw error;
      log.info(`${messageOf(error)}, retrying`);
    }
    await pause(Math.min(RECONNECT_MS.first * 2 ** failures, RECONNECT_MS.max), signal);
  }
}

/** @throws WatchError `usage` */
function apiOf(server: string): URL {
  let url: URL;
  try {
    url = new URL(server);
  } catch (error) {
    throw new WatchError(
      "usage",
      `--server: not a URL: ${JSON.stringify(server)}; use one such as http://127.0.0.1:7373`,
      {
        cause: error,
      },
    );
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new WatchError("usage", `--server: ${url.protocol} is not HTTP; use http:// or https://`);
  }
  return new URL("api/v1/", url.href.endsWith("/") ? url : `${url.href}/`);
}

function remoteIndex(api: URL, signal: AbortSignal): SessionIndex {
  return {
    has: async (id) => (await getSession(api, id, signal)) !== null,
    async latest() {
      const page = await getPage(api, "?limit=1", signal);
      return page.sessions[0]?.id ?? null;
    },
    async idsStartingWith(prefix, limit) {
      const found: SessionId[] = [];
      let cursor = "";
      do {
        const after = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
        const page = await getPage(api, `?limit=${PAGE_SIZE}${after}`, signal);
        const ids = page.sessions.map(({ id }) => id);
        found.push(
          ...ids.filter((id) => id.startsWith(prefix) || id.slice(id.indexOf(":") + 1).startsWith(prefix)),
        );
        cursor = page.next_cursor ?? "";
      } while (cursor !== "" && found.length < limit);
      return found.slice(0, limit);
    },
  };
}

interface Page {
  sessions: SessionSummary[];
  next_cursor?: string | null;
}

async function getPage(api: URL, query: string, signal: AbortSignal): Promise<Page> {
  const response = await request(new URL(`sessions${query}`, api), {}, signal);
  const page = (await response.json()) as Partial<Page>;
  return { sessions: page.sessions ?? [], next_cursor: page.next_cursor ?? null };
}

async function getSession(api: URL, id: SessionId, signal: AbortSignal): Promise<SessionSummary | null> {
  try {
    const response = await request(new URL(`sessions/${encodeURIComponent(id)}`, api), {}, signal);
    return (await response.json()) as SessionSummary;
  } catch (error) {
    if (error instanceof WatchError && error.code === "session_not_found") return null;
    throw error;
  }
}

async function* openStream(
  api: URL,
  id: SessionId,
  cursor: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<EventSourceMessage, void, void> {
  const headers: Record<string, string> = { accept: "text/event-stream" };
  if (cursor !== undefined) headers["last-event-id"] = cursor;
  const url = new URL(`sessions/${encodeURIComponent(id)}/watch?data=json`, api);
  const response = await request(url, headers, signal);
  if (response.body === null) return;
  try {
    yield* response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  } catch (error) {
    throw unreachable(api, error);
  }
}

/** @throws WatchError `session_not_found` on 404, `server_unreachable` on anything else that is not a success. */
async function request(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { headers, signal });
  } catch (error) {
    throw unreachable(url, error);
  }
  if (response.ok) return response;
  const body = await response.text();
  const reason = reasonIn(body) ?? `HTTP ${response.status}`;
  if (response.status === 404) throw new WatchError("session_not_found", reason);
  throw new WatchError("server_unreachable", `${url.origin} answered ${response.status}: ${reason}`);
}

function unreachable(url: URL, cause: unknown): WatchError {
  return new WatchError("server_unreachable", `cannot reach ${url.origin}: ${reasonOf(cause)}`, { cause });
}

/** Each runtime has its own words for the common cases, and its own place to put them. */
function reasonOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown; message?: unknown } };
  const words = [code, messageOf(error), cause?.code, cause?.message].join(" ");
  return REASONS.find(([pattern]) => pattern.test(words))?.[1] ?? messageOf(error);
}

const REASONS: readonly [pattern: RegExp, reason: string][] = [
  [/ECONNREFUSED|connection ?refused/i, "connection refused"],
  [/ECONNRESET|connection ?reset|socket connection was closed/i, "connection lost"],
  [/ENOTFOUND|FailedToOpenSocket|dns error/i, "there is no such host"],
];

function reasonIn(body: string): string | null {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    return typeof error === "string" ? error : null;
  } catch {
    // Not from one of our servers: the status says enough.
    return null;
  }
}

/** Trying again changes nothing about these. */
function isFinal(error: unknown): boolean {
  return error instanceof WatchError && error.code === "session_not_found";
}

/** @returns null for events that this program does not know. Servers that know no `data=json` send the bare id. */
function eventOf({ event, data }: EventSourceMessage): FollowedEvent | null {
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

function withFields(event: FollowedEvent["event"], data: string): FollowedEvent {
  if (event !== "heartbeat" && data.startsWith("{")) {
    try {
      const fields = JSON.parse(data) as FollowedEvent;
      if (fields.event === event) return fields;
    } catch {
      // An id may begin with a brace, too.
    }
  }
  return { event, data } as FollowedEvent;
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
