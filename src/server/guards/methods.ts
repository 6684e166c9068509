/** The methods of a path. */

import type { Hono, MiddlewareHandler } from "hono";
import { methodNotAllowed } from "hono/method-not-allowed";
import type { Env } from "../env.ts";
import { Refusal } from "../refusal.ts";

/** Answers OPTIONS, and methods that a known path does not have (405); an unknown path stays 404. */
export function onlyKnownMethods(app: Hono<Env>): MiddlewareHandler {
  return methodNotAllowed({
    app,
    onMethodNotAllowed(c, methods) {
      const allow = [...methods, "OPTIONS"].join(", ");
      if (c.req.method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
      throw new Refusal(405, `${c.req.path}: ${c.req.method} is not allowed; use ${allow}`, { allow });
    },
  });
}
