/** The route for programs that ask what the server can do. */

import { Hono } from "hono";
import type { Env } from "../env.ts";

/** @param version the program's. */
export function openApiRoutes(version: string): Hono<Env> {
  const routes = new Hono<Env>();
  // Its library takes some MB: only who asks pays for it.
  let document: Promise<string> | null = null;

  routes.get("/openapi.json", async (c) => {
    document ??= import("../openapi/document.ts").then(({ openApiDocument }) =>
      JSON.stringify(openApiDocument(version)),
    );
    return c.body(await document, 200, { "content-type": "application/json" });
  });

  return routes;
}
