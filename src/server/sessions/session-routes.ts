/** The routes that answer with sessions. */

import { Hono } from "hono";
import { WatchError } from "../../errors.ts";
import type { Clock, Store } from "../../watch/ports.ts";
import type { SessionId } from "../../watch/session.ts";
import type { Env } from "../env.ts";
import { parseListQuery, parseMessageQuery, parseSyncBody } from "../schema.ts";
import type { SyncTarget } from "../schema.ts";
import { readJsonText } from "./body.ts";

export interface SessionRoutesOptions {
  store: Store;
  clock: Clock;
  /**
   * Brings one session up to date with its transcript.
   *
   * @throws WatchError `session_not_found`, `forbidden` for a path where no agent keeps transcripts, `transcript_unreadable`.
   */
  sync: (target: SyncTarget) => Promise<SessionId>;
}

export function sessionRoutes({ store, clock, sync }: SessionRoutesOptions): Hono<Env> {
  const routes = new Hono<Env>();

  routes.get("/sessions", async (c) => {
    const { sessions, nextCursor, total } = await store.list(parseListQuery(c.req.query()));
    return c.json({ sessions, next_cursor: nextCursor, total });
  });

  routes.post("/sessions/sync", async (c) => {
    const id = await sync(parseSyncBody(await readJsonText(c.req.raw, clock)));
    const session = await store.get(id);
    return c.json(session ?? notFound(id));
  });

  routes.get("/sessions/:id", async (c) => {
    const id = c.req.param("id");
    return c.json((await store.get(id)) ?? notFound(id));
  });

  routes.get("/sessions/:id/messages", async (c) => {
    const id = c.req.param("id");
    const query = parseMessageQuery(c.req.query());
    if ((await store.get(id)) === null) notFound(id);
    const messages = await store.messages(id, query);
    return c.json({ messages, count: messages.length });
  });

  return routes;
}

function notFound(id: SessionId): never {
  throw new WatchError("session_not_found", `session not found: ${id}`);
}
