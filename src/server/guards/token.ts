/** The one secret that opens a server which others can reach. */

import type { MiddlewareHandler } from "hono";
import { timingSafeEqual } from "hono/utils/buffer";
import { Refusal } from "../refusal.ts";

/** These tell nothing about any session: the page asks for the token itself. */
const OPEN_PATH = /^\/(healthz|readyz|page\/[^/]+)?$/;
/** An EventSource cannot send a header: here, and only here, the token may stand in the URL. */
const STREAM_PATH = /^\/api\/v1\/(watch|events|sessions\/[^/]+\/watch)$/;
const CHALLENGE = 'Bearer realm="sessionwatch"';

/** Refuses requests without the token. */
export function onlyWithToken(token: string): MiddlewareHandler {
  return async (c, next) => {
    const { path } = c.req;
    if (OPEN_PATH.test(path)) return next();
    const isStream = STREAM_PATH.test(path);
    const header = c.req.header("authorization");
    const given = isStream && !isBearer(header) ? c.req.query("token") : bearerIn(header);
    if (given === undefined) throw refusal("this server wants a token", CHALLENGE, isStream);
    // It compares digests, in a time that says nothing about the token.
    if (await timingSafeEqual(token, given)) return next();
    throw refusal("this is not the token of this server", `${CHALLENGE}, error="invalid_token"`, isStream);
  };
}

/** Another scheme is for somebody else, such as a proxy that has a password of its own. */
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
