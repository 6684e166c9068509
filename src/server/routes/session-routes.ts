/** The routes that answer with sessions. */

import { Hono } from "hono";
import { sessionNotFound } from "../../errors.ts";
import type { Clock } from "../../async/clock.ts";
import type { Store } from "../../watch/ports.ts";
import type { SessionId, Session } from "../../session/session.ts";
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
    return c.json(await found(id));
  });

  routes.get("/sessions/:id", async (c) => {
    return c.json(await found(c.req.param("id")));
  });

  routes.get("/sessions/:id/messages", async (c) => {
    const id = c.req.param("id");
    const query = parseMessageQuery(c.req.query());
    await found(id);
    const messages = await store.messages(id, query);
    return c.json({ messages, count: messages.length });
  });

  async function found(id: SessionId): Promise<Session> {
    const session = await store.get(id);
    if (session === null) throw sessionNotFound(id);
    return session;
  }

  return routes;
}
