/** Who may talk to the server, and how: all that a request has to pass before it comes to a route. */

import type { Hono, MiddlewareHandler } from "hono";
import type { Env } from "../env.ts";
import { keepNoJson, securityHeaders } from "./headers.ts";
import { onlyKnownHosts } from "./hosts.ts";
import type { HostOptions } from "./hosts.ts";
import { onlyKnownMethods } from "./methods.ts";
import { onlyOwnOrigins, shareWith } from "./origins.ts";
import type { OriginOptions } from "./origins.ts";
import { onlyWithToken } from "./token.ts";

/** For whom the server is there. */
export interface Access extends HostOptions, OriginOptions {
  /** Null where everybody who reaches the server may read everything. */
  token: string | null;
}

/** For the programs of this machine, and the server's own page. */
export const LOCAL_ACCESS: Access = { host: "127.0.0.1", publicUrl: null, corsOrigins: [], token: null };

/** @returns the guards in their order. */
export function guards(app: Hono<Env>, access: Access): MiddlewareHandler[] {
  const { corsOrigins, token } = access;
  const isShared = corsOrigins.length > 0;
  return [
    securityHeaders(isShared),
    keepNoJson,
    onlyKnownHosts(access),
    // Before the token: a browser asks without it, and a page is to see why it was refused.
    ...(isShared ? [shareWith(corsOrigins)] : []),
    onlyOwnOrigins(access),
    ...(token === null ? [] : [onlyWithToken(token)]),
    onlyKnownMethods(app),
  ];
}
