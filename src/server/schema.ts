/** What requests may ask for; everything that is not this is answered with 400 and what would be right. */

import * as v from "valibot";
import { WatchError } from "../errors.ts";
import type { ListQuery, MessageQuery } from "../watch/ports.ts";

const MAX_LIMIT = 1000;

const limit = v.optional(whole(1, MAX_LIMIT));

const listQuery = v.object({
  project: v.optional(v.string()),
  agent: v.optional(v.string()),
  machine: v.optional(v.string()),
  active_since: v.optional(
    v.pipe(
      v.string(),
      v.check((text) => !Number.isNaN(Date.parse(text)), "use a time such as 2026-01-31T12:00:00Z"),
      v.transform((text) => new Date(text).toISOString()),
    ),
  ),
  limit,
  cursor: v.optional(v.string()),
});

const messageQuery = v.object({
  from: v.optional(whole(0, Number.MAX_SAFE_INTEGER)),
  limit,
  direction: v.optional(v.picklist(["asc", "desc"], "use asc or desc")),
});

const watchQuery = v.object({
  data: v.optional(v.picklist(["id", "json"], "use id or json"), "id"),
  last_event_id: v.optional(v.string()),
});

/** @throws WatchError `usage` */
export function parseListQuery(query: Record<string, string>): ListQuery {
  const { active_since: activeSince, ...rest } = parse(listQuery, query);
  return defined({ ...rest, activeSince });
}

/** @throws WatchError `usage` */
export function parseMessageQuery(query: Record<string, string>): MessageQuery {
  return defined(parse(messageQuery, query));
}

/** @throws WatchError `usage` */
export function parseWatchQuery(query: Record<string, string>): v.InferOutput<typeof watchQuery> {
  return parse(watchQuery, query);
}

function whole(min: number, max: number) {
  const message = `use a whole number from ${min} to ${max}`;
  return v.pipe(
    v.string(),
    v.regex(/^\d+$/, message),
    v.transform(Number),
    v.minValue(min, message),
    v.maxValue(max, message),
  );
}

function parse<T extends v.GenericSchema>(schema: T, input: unknown): v.InferOutput<T> {
  const result = v.safeParse(schema, input);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new WatchError("usage", `${v.getDotPath(issue) ?? "query"}: ${issue.message}`);
}

/** Without the members that were not given. */
function defined<T extends object>(query: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]: Exclude<T[K], undefined> };
}
