/** What the server answers with, for the document that describes it (`/openapi.json`). */

import * as v from "valibot";
import { messageSchema, sessionSchema, toolCallSchema } from "./row-schemas.ts";

const id = v.pipe(v.string(), v.description("A session's id."));
const version = v.pipe(
  v.string(),
  v.description("Of the session's state: something has changed if it differs."),
);
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const at = v.pipe(v.string(), v.isoTimestamp(), v.description("RFC 3339, UTC."));
const why = v.pipe(v.string(), v.description("Why, in a few words."));
/** In JSON lines there is no other place for it. */
const cursor = v.optional(
  v.pipe(
    v.string(),
    v.description("In JSON lines: where the client stands after this one; send it as last_event_id."),
  ),
);

const machine = v.optional(
  v.pipe(v.string(), v.description("Whose session it is, where several machines share the archive.")),
);

const error = v.pipe(
  v.object({ error: v.pipe(v.string(), v.description("What is wrong, and what would be right.")) }),
  v.description("Why a request was not answered."),
);

const ok = v.object({ ok: v.literal(true) });

const ping = v.object({
  ok: v.literal(true),
  service: v.literal("sessionwatch"),
  version: v.string(),
  pid: count,
});

const sessionPage = v.object({
  sessions: v.array(sessionSchema),
  next_cursor: v.nullable(v.pipe(v.string(), v.description("Where the next page begins; null on the last."))),
  total: v.pipe(count, v.description("Sessions that match, on all pages.")),
});

const messagePage = v.object({
  messages: v.array(messageSchema),
  count: v.pipe(count, v.description("Messages on this page.")),
});

const sessionUpdated = v.pipe(
  v.object({
    event: v.literal("session_updated"),
    data: id,
    version,
    message_count: count,
    at,
    machine,
    cursor,
  }),
  v.description("The session has changed: there is something newer than what was seen."),
);

const sessionDeleted = v.pipe(
  v.object({ event: v.literal("session_deleted"), data: id, at, machine, cursor }),
  v.description("The session was deleted, or put into the trash."),
);

const degraded = v.pipe(
  v.object({ event: v.literal("degraded"), data: why }),
  v.description("The archive cannot be read; it is tried again."),
);

const recovered = v.pipe(
  v.object({ event: v.literal("recovered"), data: why }),
  v.description("The archive can be read again."),
);

const heartbeat = v.pipe(
  v.object({ event: v.literal("heartbeat"), data: at, cursor }),
  v.description("A sign of life, after 30 s of silence; of JSON lines after 15 s, and the first one."),
);

const reset = v.pipe(
  v.object({ event: v.literal("reset"), data: why, cursor }),
  v.description("The client's cursor is from another life of the server: fetch the list again."),
);

const dataChanged = v.pipe(
  v.object({
    event: v.literal("data_changed"),
    data: v.object({ scope: v.picklist(["sessions", "messages", "sync"]) }),
    cursor,
  }),
  v.description("Sessions came or went; some have new messages; or (sync) anything may have changed."),
);

const document = v.looseObject({ openapi: v.string(), info: v.looseObject({ version: v.string() }) });

/** What each stream carries. */
const EVENTS = {
  SessionEvent: v.union([sessionUpdated, sessionDeleted, degraded, recovered, heartbeat]),
  SessionsEvent: v.union([sessionUpdated, sessionDeleted, degraded, recovered, heartbeat, reset]),
  ScopesEvent: v.union([dataChanged, heartbeat]),
} as const;

/** Everything that has a name of its own in the document. */
export const DEFINITIONS = {
  Document: document,
  Error: error,
  Ok: ok,
  Ping: ping,
  Session: sessionSchema,
  SessionPage: sessionPage,
  Message: messageSchema,
  MessagePage: messagePage,
  ToolCall: toolCallSchema,
  SessionUpdated: sessionUpdated,
  SessionDeleted: sessionDeleted,
  Degraded: degraded,
  Recovered: recovered,
  Heartbeat: heartbeat,
  Reset: reset,
  DataChanged: dataChanged,
  ...EVENTS,
} as const;

export type DefinitionName = keyof typeof DEFINITIONS;
export type EventDefinitionName = keyof typeof EVENTS;

/** @returns the names of the events that a stream carries. */
export function eventNames(definition: EventDefinitionName): string[] {
  return EVENTS[definition].options.map(({ entries }) => entries.event.literal);
}
