/** `GET /openapi.json`: the description of every route. */

import type { Operation } from "../openapi/operation.ts";
import { route } from "../route.ts";
import type { Route } from "../route.ts";

/**
 * @param version the program's.
 * @param described every other operation of the document.
 */
export function describeApi(version: string, described: readonly Operation[]): Route {
  // The library that makes it takes some MB of memory: it is loaded on the first request.
  let document: Promise<string> | null = null;
  const self: Route = route({
    method: "GET",
    path: "/openapi.json",
    policy: "guarded",
    id: "openapi",
    tag: "operations",
    summary: "This document",
    request: {},
    answers: { 200: { description: "OpenAPI 3.1.", content: { "application/json": "Document" } } },
    async handle(_input, c) {
      document ??= import("../openapi/document.ts").then(({ openApiDocument }) =>
        JSON.stringify(openApiDocument(version, [...described, self])),
      );
      return c.body(await document, 200, { "content-type": "application/json" });
    },
  });
  return self;
}
