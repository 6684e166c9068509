/** Tells of each request what became of it. */

import type { MiddlewareHandler } from "hono";
import type { Clock } from "../async/clock.ts";

/** What became of a request. */
export interface AnsweredRequest {
  method: string;
  /** Without the query, and what looks like one within the path: a token may stand in it. */
  path: string;
  status: number;
  /** Until the headers of the answer; a stream goes on after them. */
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

/** Cuts at the first sign that divides the parts of a query, as it is or encoded. */
function withoutQuery(path: string): string {
  return path.replace(/(?:[?&;=]|%3f|%26|%3b|%3d).*$/is, "");
}
