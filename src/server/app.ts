/** The HTTP routes. */

import { Hono } from "hono";
import { messageOf, WatchError } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";
import type { Store } from "../watch/ports.ts";
import { DELETED } from "../watch/session.ts";
import type { Watcher } from "../watch/watcher.ts";
import { onlyLoopbackHosts } from "./guard.ts";
import page from "./page/page.html" with { type: "text" };
import { parseListQuery, parseMessageQuery, parseWatchQuery } from "./schema.ts";
import { STREAM_HEADERS } from "./sse.ts";
import type { Streams } from "./sse.ts";

export interface AppOptions {
  store: Store;
  watcher: Watcher;
  streams: Streams;
  version: string;
  pid: number;
  /** A request failed for a reason that is not the client's. */
  onError: (error: unknown) => void;
}

const STATUS: Partial<Record<ErrorCode, 400 | 404 | 503>> = {
  usage: 400,
  session_not_found: 404,
  archive_unavailable: 503,
  archive_unusable: 503,
};

/** What the runtime knows of the connection on which a request came. */
export interface Bindings {
  /** Closes it although its client does not read. */
  cut: () => void;
}

export function createApp(options: AppOptions): Hono<{ Bindings: Bindings }> {
  const { store, watcher, streams, version, pid, onError } = options;
  const app = new Hono<{ Bindings: Bindings }>();
  app.use(onlyLoopbackHosts);

  app.get("/", (c) => c.html(page as unknown as string));
  app.get("/api/ping", (c) => c.json({ ok: true, service: "sessionwatch", version, pid }));
  app.get("/healthz", (c) => c.json({ ok: true }));
  app.get("/readyz", async (c) => {
    await store.revision();
    return c.json({ ok: true });
  });

  app.get("/api/v1/sessions", async (c) => {
    const { sessions, nextCursor, total } = await store.list(parseListQuery(c.req.query()));
    return c.json({ sessions, next_cursor: nextCursor, total });
  });

  app.get("/api/v1/sessions/:id", async (c) => {
    const id = c.req.param("id");
    return c.json(await store.get(id).then((session) => session ?? notFound(id)));
  });

  app.get("/api/v1/sessions/:id/messages", async (c) => {
    const id = c.req.param("id");
    const query = parseMessageQuery(c.req.query());
    if ((await store.get(id)) === null) notFound(id);
    const messages = await store.messages(id, query);
    return c.json({ messages, count: messages.length });
  });

  app.get("/api/v1/sessions/:id/watch", async (c) => {
    const id = c.req.param("id");
    const { data, last_event_id: fromQuery } = parseWatchQuery(c.req.query());
    const cursor = c.req.header("last-event-id") ?? fromQuery;
    const isKnown = cursor !== undefined && (isVersion(cursor) || (await store.get(id)) !== null);
    const subscription = watcher.events(id, {
      signal: c.req.raw.signal,
      ...(isKnown ? { since: cursor } : {}),
    });
    await subscription.ready;
    if (c.req.raw.method === "HEAD") {
      // Hono asks GET for the headers, and drops the body: nobody would ever close the stream.
      subscription.close();
      return new Response(null, { headers: STREAM_HEADERS });
    }
    return streams.respond(subscription, data, c.env.cut);
  });

  app.notFound((c) => c.json({ error: `no such route: ${c.req.method} ${c.req.path}` }, 404));
  app.onError((error, c) => {
    const status = error instanceof WatchError ? STATUS[error.code] : undefined;
    if (status === undefined) onError(error);
    const headers: Record<string, string> = status === 503 ? { "retry-after": "5" } : {};
    return c.json(
      { error: status === undefined ? "internal error" : messageOf(error) },
      status ?? 500,
      headers,
    );
  });
  return app;
}

function notFound(id: string): never {
  throw new WatchError("session_not_found", `session not found: ${id}`);
}

/** A cursor that a server of ours can have sent proves that the session existed once, even if it is gone now. */
function isVersion(cursor: string): boolean {
  return cursor === DELETED || /^[\w-]{16}$/.test(cursor);
}
