/** What requests may ask for; everything that is not this is answered with 400 and what would be right. */

import * as v from "valibot";
import { WatchError } from "../errors.ts";
import type { ListQuery, MessageQuery } from "../watch/ports.ts";
import type { Selection } from "../session/filter.ts";

const MAX_LIMIT = 1000;
/** Of one stream; more do not fit into a request's head anyway. */
const MAX_SESSIONS = 1000;
const SYNC_HELP = 'send {"id":"<session>"} or {"path":"<transcript>"}';

const limit = v.optional(v.pipe(whole(1, MAX_LIMIT), v.description("At most so many; 100 if left out.")));
const traits = {
  project: text("Only sessions of this project."),
  agent: text("Only sessions of this agent, such as claude or codex."),
  machine: text("Only sessions of this machine."),
};
const last_event_id = text(
  "The last id that the client has seen: it is told what it has missed. For clients that cannot send Last-Event-ID.",
);

/** Of `GET /api/v1/sessions`. */
export const listQuery = v.object({
  ...traits,
  active_since: v.optional(
    v.pipe(
      v.string(),
      v.check((text) => !Number.isNaN(Date.parse(text)), "use a time such as 2026-01-31T12:00:00Z"),
      v.transform((text) => new Date(text).toISOString()),
      v.string(),
      v.isoTimestamp(),
      v.description("Only sessions that were active at this time or later."),
    ),
  ),
  limit,
  cursor: text("Where an earlier page ended: its next_cursor."),
});

/** Of `GET /api/v1/sessions/{id}/messages`. */
export const messageQuery = v.object({
  from: v.optional(
    v.pipe(
      whole(0, Number.MAX_SAFE_INTEGER),
      v.description("First ordinal: at least this when ascending, at most this when descending."),
    ),
  ),
  limit,
  direction: v.optional(
    v.pipe(
      v.picklist(["asc", "desc"], "use asc or desc"),
      v.description("The order of ordinals; asc if left out."),
    ),
  ),
});

/** Of `GET /api/v1/sessions/{id}/watch`. */
export const watchQuery = v.object({
  data: v.optional(
    v.pipe(
      v.picklist(["id", "json"], "use id or json"),
      v.description("What the data of an event is: the bare id of the session, or a JSON object."),
    ),
    "id",
  ),
  last_event_id,
});

/** Of `GET /api/v1/watch`. */
export const manyQuery = v.pipe(
  v.object({
    session: v.optional(
      v.pipe(
        v.array(v.string()),
        v.maxLength(MAX_SESSIONS, `name at most ${MAX_SESSIONS} sessions, or all=true`),
        v.description("The ids of the sessions to watch; repeat it for each."),
      ),
    ),
    all: v.optional(
      v.pipe(
        v.picklist(["true", "false"], "use true"),
        v.description("Watch every session, also those that start later."),
      ),
    ),
    ...traits,
    last_event_id,
  }),
  v.check(
    ({ session, all, project, agent, machine }) =>
      [session, project, agent, machine].some(Boolean) || all === "true",
    "name what to watch: session=<id> (repeatable), all=true, or project=, agent=, machine=",
  ),
  v.check(
    ({ session, all }) => session === undefined || all !== "true",
    "use either session=<id> or all=true",
  ),
);

/** Of `GET /api/v1/events`. */
export const scopesQuery = v.object({ last_event_id });

/** Of `POST /api/v1/sessions/sync`. */
export const syncBody = v.pipe(
  v.object({
    id: text("The session whose transcript is to be read."),
    path: text("Or the transcript: an absolute path, where its agent keeps transcripts."),
  }),
  v.check(({ id, path }) => (id === undefined) !== (path === undefined), SYNC_HELP),
);

/** What is to be synced: a session, or the one that a transcript's file belongs to. */
export type SyncTarget = { id: string } | { path: string };

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

/** @throws WatchError `usage` */
export function parseManyQuery(
  query: Record<string, string>,
  sessions: string[] | undefined,
): { selection: Selection; last_event_id: string | undefined } {
  const given = parse(manyQuery, { ...query, session: sessions });
  const { session, project, agent, machine, last_event_id } = given;
  return {
    selection: { sessions: session ?? "all", filter: defined({ project, agent, machine }) },
    last_event_id,
  };
}

/** @throws WatchError `usage` */
export function parseScopesQuery(query: Record<string, string>): v.InferOutput<typeof scopesQuery> {
  return parse(scopesQuery, query);
}

/** @param body JSON text. @throws WatchError `usage` */
export function parseSyncBody(body: string): SyncTarget {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    throw new WatchError("usage", SYNC_HELP, { cause: error });
  }
  const { id, path } = parse(syncBody, value);
  if (id !== undefined) return { id };
  return { path: path ?? "" };
}

function text(description: string) {
  return v.optional(v.pipe(v.string(), v.description(description)));
}

function whole(min: number, max: number) {
  const message = `use a whole number from ${min} to ${max}`;
  return v.pipe(
    v.string(),
    v.regex(/^\d+$/, message),
    v.transform(Number),
    v.number(),
    v.integer(message),
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
