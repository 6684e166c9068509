/** What every answer tells a browser about how far to trust it. */

import type { MiddlewareHandler } from "hono";
import { secureHeaders } from "hono/secure-headers";

/**
 * @param isShared whether pages of other origins may read answers.
 *
 * The page has a content security policy of its own. There is no Strict-Transport-Security: it would speak for every
 * port of a host, which is for the proxy that has its certificate to say.
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

/** Sessions are not for the disk of a browser, nor for a proxy's. */
export const keepNoJson: MiddlewareHandler = async (c, next) => {
  await next();
  const { headers } = c.res;
  const isJson = headers.get("content-type")?.startsWith("application/json") === true;
  if (isJson && !headers.has("cache-control")) headers.set("cache-control", "no-store");
};
