/** The HTTP interface: guards before, routes, and what is said when something goes wrong. */

import { Hono } from "hono";
import { messageOf, WatchError } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";
import type { Env } from "./env.ts";
import { guards, LOCAL_ACCESS } from "./guards/guards.ts";
import type { Access } from "./guards/guards.ts";
import { monitoringRoutes } from "./routes/monitoring-routes.ts";
import type { MonitoringRoutesOptions } from "./routes/monitoring-routes.ts";
import { openApiRoutes } from "./routes/openapi-routes.ts";
import { pageRoutes } from "./routes/page-routes.ts";
import type { PageFiles } from "./routes/page-routes.ts";
import { Refusal } from "./refusal.ts";
import { observeRequests } from "./request-observer.ts";
import type { AnsweredRequest } from "./request-observer.ts";
import { sessionRoutes } from "./routes/session-routes.ts";
import type { SessionRoutesOptions } from "./routes/session-routes.ts";
import type { Admission } from "./streams/admission.ts";
import { streamRoutes } from "./routes/stream-routes.ts";
import type { StreamRoutesOptions } from "./routes/stream-routes.ts";

export interface AppOptions extends SessionRoutesOptions, StreamRoutesOptions, MonitoringRoutesOptions {
  /** @default for the programs of this machine */
  access?: Access;
  /** A request failed for a reason that is not the client's. */
  onError: (error: unknown) => void;
  admission: Admission;
  page: PageFiles;
  /** Called for each request, also those that were refused. */
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

export function createApp(options: AppOptions): Hono<Env> {
  const app = new Hono<Env>();
  app.use(observeRequests(options.clock, options.onRequest));
  app.use(...guards(app, options.access ?? LOCAL_ACCESS));

  app.route("/", pageRoutes(options.page));
  app.route("/", monitoringRoutes(options));
  app.route("/", openApiRoutes(options.version));
  app.route("/api/v1", sessionRoutes(options));
  app.route("/api/v1", streamRoutes(options));

  app.notFound((c) => c.json({ error: `no such route: ${c.req.method} ${c.req.path}` }, 404));
  app.onError((error, c) => {
    if (error instanceof Refusal) return c.json({ error: error.message }, error.status, error.headers);
    const status = error instanceof WatchError ? STATUS[error.code] : undefined;
    if (status === undefined) options.onError(error);
    const headers: Record<string, string> = status === 503 ? { "retry-after": "5" } : {};
    const message = status === undefined ? "internal error" : messageOf(error);
    return c.json({ error: message }, status ?? 500, headers);
  });
  return app;
}
