/** Everything that a request passes before it reaches a route. */

import type { Hono, MiddlewareHandler } from "hono";
import type { Env } from "../env.ts";
import { keepNoJson, securityHeaders } from "./headers.ts";
import { onlyKnownHosts } from "./hosts.ts";
import type { HostOptions } from "./hosts.ts";
import { onlyKnownMethods } from "./methods.ts";
import { onlyOwnOrigins, shareWith } from "./origins.ts";
import type { OriginOptions } from "./origins.ts";
import type { PolicyFor } from "./policies.ts";
import { onlyWithToken } from "./bearer-token.ts";

/** Who may use the server. */
export interface Access extends HostOptions, OriginOptions {
  /** Null where every client that reaches the server may read everything. */
  token: string | null;
}

/** For programs on this machine, and the server's own page. */
export const LOCAL_ACCESS: Access = { host: "127.0.0.1", publicUrl: null, corsOrigins: [], token: null };

/** @returns the guards in their order. */
export function guards(app: Hono<Env>, access: Access, policyFor: PolicyFor): MiddlewareHandler[] {
  const { corsOrigins, token } = access;
  const isShared = corsOrigins.length > 0;
  return [
    securityHeaders(isShared),
    keepNoJson,
    onlyKnownHosts(access),
    // Before the token: a browser sends preflights without it, and pages must be able to read why they were refused.
    ...(isShared ? [shareWith(corsOrigins)] : []),
    onlyOwnOrigins(access),
    ...(token === null ? [] : [onlyWithToken(token, policyFor)]),
    onlyKnownMethods(app),
  ];
}
