/** Who may talk to the server: programs on this machine, and pages that it has served itself. */

import type { MiddlewareHandler } from "hono";

/**
 * Refuses requests that were sent to another name than this machine's own. A browser can be led here under a
 * stranger's name (DNS rebinding), and would then let the stranger's page read every session.
 */
export const onlyLoopbackHosts: MiddlewareHandler = async (c, next) => {
  const { hostname } = new URL(c.req.url);
  if (isLoopback(hostname)) return next();
  const error = `host not allowed: ${hostname}; this server answers to localhost, 127.0.0.1 and [::1]`;
  return c.json({ error }, 403);
};

/** @param host a name or an address, with or without the brackets of a URL. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}
