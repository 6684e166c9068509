/** The events of streams, as lines of JSON have them. */

import * as v from "valibot";
import { count, sessionId, version } from "./fields.ts";

const at = v.pipe(v.string(), v.isoTimestamp(), v.description("RFC 3339, UTC."));
const reason = v.pipe(v.string(), v.description("The reason, in a few words."));
/** Server-Sent Events have `id` instead. */
const cursor = v.optional(
  v.pipe(
    v.string(),
    v.description("In JSON lines: the client's position after this line; send it as last_event_id."),
  ),
);
const machine = v.optional(
  v.pipe(v.string(), v.description("The session's machine, where several machines share the archive.")),
);

export const sessionUpdatedSchema = v.pipe(
  v.object({
    event: v.literal("session_updated"),
    data: sessionId,
    version,
    message_count: count,
    at,
    machine,
    cursor,
  }),
  v.description("The session has changed: there is something newer than what the client has seen."),
);

export const sessionDeletedSchema = v.pipe(
  v.object({ event: v.literal("session_deleted"), data: sessionId, at, machine, cursor }),
  v.description("The session was deleted or moved to the trash."),
);

export const degradedSchema = v.pipe(
  v.object({ event: v.literal("degraded"), data: reason }),
  v.description("The archive cannot be read; the server keeps trying."),
);

export const recoveredSchema = v.pipe(
  v.object({ event: v.literal("recovered"), data: reason }),
  v.description("The archive can be read again."),
);

export const heartbeatSchema = v.pipe(
  v.object({ event: v.literal("heartbeat"), data: at, cursor }),
  v.description(
    "A sign of life: the first event of a stream, and after 30 s of silence (15 s in JSON lines). The first one carries " +
      "the client's position.",
  ),
);

export const resetSchema = v.pipe(
  v.object({ event: v.literal("reset"), data: reason, cursor }),
  v.description("The client's cursor is from another run of the server: fetch the list again."),
);

export const dataChangedSchema = v.pipe(
  v.object({
    event: v.literal("data_changed"),
    data: v.object({ scope: v.picklist(["sessions", "messages", "sync"]) }),
    cursor,
  }),
  v.description(
    "sessions: some were added or removed; messages: some sessions have new ones; sync: anything may have changed.",
  ),
);

/** The events of each kind of stream. */
export const EVENTS = {
  SessionEvent: v.union([
    sessionUpdatedSchema,
    sessionDeletedSchema,
    degradedSchema,
    recoveredSchema,
    heartbeatSchema,
  ]),
  SessionsEvent: v.union([
    sessionUpdatedSchema,
    sessionDeletedSchema,
    degradedSchema,
    recoveredSchema,
    heartbeatSchema,
    resetSchema,
  ]),
  ScopesEvent: v.union([dataChangedSchema, heartbeatSchema]),
} as const;

export type EventDefinitionName = keyof typeof EVENTS;

/** @returns the names of the events that a stream carries. */
export function eventNames(definition: EventDefinitionName): string[] {
  return EVENTS[definition].options.map(({ entries }) => entries.event.literal);
}
