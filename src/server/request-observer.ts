/** Reports each request and its status. */

import type { MiddlewareHandler } from "hono";
import type { Clock } from "../async/clock.ts";

/** A request that was answered. */
export interface AnsweredRequest {
  method: string;
  /** Without the query, and without what looks like one in the path: it may hold a token. */
  path: string;
  status: number;
  /** Time until the headers of the answer; a stream goes on after them. */
  tookMs: number;
}

export function observeRequests(
  clock: Clock,
  onAnswer: (request: AnsweredRequest) => void,
): MiddlewareHandler {
  return async (c, next) => {
    const startedMs = clock.now();
    await next();
    const { method, path } = c.req;
    onAnswer({ method, path: withoutQuery(path), status: c.res.status, tookMs: clock.now() - startedMs });
  };
}

/** Cuts at the first character that separates parts of a query, plain or encoded. */
function withoutQuery(path: string): string {
  return path.replace(/(?:[?&;=]|%3f|%26|%3b|%3d).*$/is, "");
}
