/** The HTTP interface: guards, routes, and the answers to errors. */

import { Hono } from "hono";
import { compress } from "hono/compress";
import { messageOf, WatchError } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";
import type { Env } from "./env.ts";
import { guards, LOCAL_ACCESS } from "./guards/guards.ts";
import type { Access } from "./guards/guards.ts";
import { policiesOf } from "./guards/policies.ts";
import { Refusal } from "./refusal.ts";
import { observeRequests } from "./request-observer.ts";
import type { AnsweredRequest } from "./request-observer.ts";
import { honoPath } from "./route.ts";
import { allRoutes } from "./routes/routes.ts";
import type { RoutesOptions } from "./routes/routes.ts";

export interface AppOptions extends RoutesOptions {
  /** @default only programs on this machine */
  access?: Access;
  /** Called when a request fails for a reason that is not the client's. */
  onError: (error: unknown) => void;
  /** Called for each request, also for refused ones. */
  onRequest: (request: AnsweredRequest) => void;
}

const STATUS: Partial<Record<ErrorCode, 400 | 403 | 404 | 503>> = {
  usage: 400,
  forbidden: 403,
  session_not_found: 404,
  archive_unavailable: 503,
  archive_unusable: 503,
  transcript_unreadable: 503,
};

/** Neither streams, which must not wait for a full block, nor the page's files, which browsers keep. */
const COMPRESSED = /^application\/json(;|$)/;

export function createApp(options: AppOptions): Hono<Env> {
  const { access = LOCAL_ACCESS, clock, onRequest, onError } = options;
  const routes = allRoutes(options);
  const app = new Hono<Env>();
  app.use(observeRequests(clock, onRequest));
  app.use(compress({ contentTypeFilter: COMPRESSED }));
  app.use(...guards(app, access, policiesOf(routes)));
  for (const { method, path, middleware = [], answer } of routes)
    app.on([method], [honoPath(path)], ...middleware, (c) => answer(c, clock));

  app.notFound((c) => c.json({ error: `no such route: ${c.req.method} ${c.req.path}` }, 404));
  app.onError((error, c) => {
    if (error instanceof Refusal) return c.json({ error: error.message }, error.status, error.headers);
    const status = error instanceof WatchError ? STATUS[error.code] : undefined;
    if (status === undefined) onError(error);
    const headers: Record<string, string> = status === 503 ? { "retry-after": "5" } : {};
    const message = status === undefined ? "internal error" : messageOf(error);
    return c.json({ error: message }, status ?? 500, headers);
  });
  return app;
}
