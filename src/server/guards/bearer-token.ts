/** The token of a server that other machines can reach. */

import type { MiddlewareHandler } from "hono";
import { timingSafeEqual } from "hono/utils/buffer";
import { Refusal } from "../refusal.ts";
import type { PolicyFor } from "./policies.ts";

const CHALLENGE = 'Bearer realm="sessionwatch"';

/** Refuses requests without the token, except to open routes. */
export function onlyWithToken(token: string, policyFor: PolicyFor): MiddlewareHandler {
  return async (c, next) => {
    const policy = policyFor(c.req.method, c.req.path);
    if (policy === "open") return next();
    const isStream = policy === "stream";
    const header = c.req.header("authorization");
    const given = isStream && !isBearer(header) ? c.req.query("token") : bearerIn(header);
    if (given === undefined) throw refusal("this server requires a token", CHALLENGE, isStream);
    // It compares digests: the time that it takes says nothing about the token.
    if (await timingSafeEqual(token, given)) return next();
    throw refusal("this is not the token of this server", `${CHALLENGE}, error="invalid_token"`, isStream);
  };
}

/** Another scheme is meant for a proxy with a password of its own. */
function isBearer(header: string | undefined): boolean {
  return /^Bearer(?: |$)/i.test(header ?? "");
}

function bearerIn(header: string | undefined): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(header ?? "")?.[1];
}

function refusal(what: string, challenge: string, isStream: boolean): Refusal {
  const how = `send it as "Authorization: Bearer <token>"${isStream ? ", or as ?token=<token>" : ""}`;
  return new Refusal(401, `${what}: ${how}`, { "www-authenticate": challenge });
}
