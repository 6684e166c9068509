/** Response headers that limit what browsers and caches may do with an answer. */

import type { MiddlewareHandler } from "hono";
import { secureHeaders } from "hono/secure-headers";

/**
 * The page sets a content security policy of its own. There is no Strict-Transport-Security: it would apply to every port of
 * the host, so the proxy that has the certificate must decide.
 *
 * @param isShared whether pages of other origins may read answers.
 */
export function securityHeaders(isShared: boolean): MiddlewareHandler {
  return secureHeaders({
    xFrameOptions: "DENY",
    crossOriginResourcePolicy: isShared ? "cross-origin" : "same-origin",
    strictTransportSecurity: false,
    originAgentCluster: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
  });
}

/** Neither browsers nor proxies may store sessions. */
export const keepNoJson: MiddlewareHandler = async (c, next) => {
  await next();
  const { headers } = c.res;
  const isJson = headers.get("content-type")?.startsWith("application/json") === true;
  if (isJson && !headers.has("cache-control")) headers.set("cache-control", "no-store");
};
