/** Which pages may send requests that change something, and which may read the answers. */

import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { Refusal } from "../refusal.ts";

export interface OriginOptions {
  /** The URL that clients use, where it differs. */
  publicUrl: URL | null;
  /** Origins of other pages that may use the server; `*` allows all. */
  corsOrigins: readonly string[];
}

const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
/** How long (s) a browser may cache a preflight. */
const PREFLIGHT_MAX_AGE = 600;

/**
 * Refuses requests that change something, if they come from a page of another origin. Browsers send them for any page and
 * name its origin; other programs send none.
 */
export function onlyOwnOrigins({ publicUrl, corsOrigins }: OriginOptions): MiddlewareHandler {
  const allowed = new Set([...corsOrigins, ...(publicUrl === null ? [] : [publicUrl.origin])]);
  return (c, next) => {
    const origin = c.req.header("origin");
    if (SAFE_METHODS.has(c.req.method) || origin === undefined) return next();
    const host = c.req.header("host");
    const isOwn = host !== undefined && origin === new URL(`http://${host}`).origin;
    if (isOwn || allowed.has(origin) || allowed.has("*")) return next();
    const advice = "allow it with --cors-origin, or name the server's own address with --public-url";
    throw new Refusal(403, `origin not allowed: ${origin}; ${advice}`);
  };
}

/** Lets pages of other origins read the answers. Never with credentials: there are no cookies, and the token is a header. */
export function shareWith(corsOrigins: readonly string[]): MiddlewareHandler {
  return cors({
    origin: corsOrigins.includes("*") ? "*" : [...corsOrigins],
    allowMethods: ["GET", "HEAD", "POST"],
    allowHeaders: ["Authorization", "Content-Type", "Last-Event-ID"],
    exposeHeaders: ["Retry-After", "WWW-Authenticate"],
    maxAge: PREFLIGHT_MAX_AGE,
  });
}
