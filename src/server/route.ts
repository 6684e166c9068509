/** A route is one value: its Hono route, what the guards know of it, and its OpenAPI operation are all made from it. */

import type { Context, MiddlewareHandler } from "hono";
import * as v from "valibot";
import type { Clock } from "../async/clock.ts";
import type { Env } from "./env.ts";
import type { Operation, RequestSchemas } from "./openapi/operation.ts";
import { readJsonText } from "./request/body.ts";
import { checked } from "./request/checked.ts";
import { readQuery } from "./request/query.ts";

export interface Route extends Operation {
  /** Left out of the OpenAPI document. @default false */
  isHidden?: boolean;
  /** Runs around `answer`. @default none */
  middleware?: readonly MiddlewareHandler[];
  answer(c: Context<Env>, clock: Clock): Promise<Response>;
}

/** What a route adds to its operation. */
export interface RouteDefinition<R extends RequestSchemas>
  extends Operation, Pick<Route, "isHidden" | "middleware"> {
  request: R;
  /** Query parameters that are accepted without effect. @default none */
  ignoredParameters?: readonly string[];
  handle(input: RouteInput<R>, c: Context<Env>): Response | Promise<Response>;
}

/** The parts of a request, checked; undefined where the route has no schema for one. */
export type RouteInput<R extends RequestSchemas> = {
  [Part in keyof RequestSchemas]-?: R[Part] extends v.GenericSchema ? v.InferOutput<R[Part]> : undefined;
};

/** @returns the route, whose handler gets requests that have passed its schemas. */
export function route<const R extends RequestSchemas>(definition: RouteDefinition<R>): Route {
  const { ignoredParameters: _, handle, ...rest } = definition;
  return {
    ...rest,
    answer: async (c, clock) => handle(await inputOf(definition, c, clock), c),
  };
}

/** @throws WatchError `usage`; Refusal for a body that cannot be read. */
export async function inputOf<R extends RequestSchemas>(
  { path, request, policy, ignoredParameters = [] }: Omit<RouteDefinition<R>, "handle">,
  c: Context<Env>,
  clock: Clock,
): Promise<RouteInput<R>> {
  const { params, query, headers, body } = request;
  const ignored = policy === "stream" ? [...ignoredParameters, "token"] : ignoredParameters;
  // Probes, browsers and scrapers add parameters of their own to everything but the API.
  const isStrict = query !== undefined || path.startsWith("/api/");
  const input = {
    params: params && checked(params, c.req.param(), "path"),
    query: isStrict && readQuery(query ?? NO_PARAMETERS, c.req.queries(), ignored),
    headers: headers && checked(headers, headersIn(c, Object.keys(headers.entries)), "headers"),
    body: body && checked(body, parsed(await readJsonText(c.req.raw, clock)), "body"),
  };
  // Each part was checked against its own schema; the compiler cannot follow that through the mapped type.
  return input as RouteInput<R>;
}

const NO_PARAMETERS = v.object({});

/** @returns the path as Hono writes it. */
export function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ":$1");
}

function headersIn(c: Context<Env>, names: readonly string[]): Record<string, string> {
  const sent = names.map((name) => [name, c.req.header(name)]);
  return Object.fromEntries(sent.filter(([, value]) => value !== undefined)) as Record<string, string>;
}

/** @returns undefined for what is not JSON: no schema takes that, and its message says what to send. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
