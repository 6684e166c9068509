/** What the server answers with, for the document that describes it (`/openapi.json`). */

import * as v from "valibot";

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

const session = v.pipe(
  v.objectWithRest(
    {
      id,
      version,
      message_count: count,
      project: column(v.string()),
      machine: column(v.string()),
      agent: column(v.string(), "Such as claude or codex."),
      first_message: column(v.string()),
      display_name: column(v.string(), "What the user calls it."),
      title: column(v.string(), "What the agent calls it."),
      started_at: column(v.string()),
      ended_at: column(v.string(), "When it was last active."),
      created_at: column(v.string()),
      user_message_count: column(v.number()),
      parent_session_id: column(v.string()),
      relationship_type: column(v.string(), "What it is to its parent, such as subagent or fork."),
      total_output_tokens: column(v.number()),
      peak_context_tokens: column(v.number()),
      cwd: column(v.string()),
      git_branch: column(v.string()),
      file_path: column(v.string()),
      parser_malformed_lines: column(v.number(), "Lines of the transcript that could not be read."),
      is_automated: column(v.number(), "1 if no person has written in it."),
    },
    v.union([v.string(), v.number(), v.boolean(), v.null()]),
  ),
  v.description("One session, in the archive's column names; an archive may have more columns, or fewer."),
);

const toolCall = v.looseObject({
  tool_name: v.string(),
  category: v.string(),
  tool_use_id: column(v.string()),
  input_json: column(v.string()),
  skill_name: column(v.string()),
  result_content_length: column(v.number()),
  result_content: column(v.string()),
  subagent_session_id: column(v.string(), "The session that this call has started."),
});

const message = v.pipe(
  v.looseObject({
    ordinal: v.pipe(count, v.description("Its place in the session, from 0.")),
    role: v.string(),
    content: v.string(),
    thinking_text: column(v.string()),
    timestamp: column(v.string()),
    model: column(v.string()),
    has_thinking: v.optional(v.boolean()),
    has_tool_use: v.optional(v.boolean()),
    is_system: v.optional(v.boolean()),
    is_sidechain: v.optional(v.boolean()),
    is_compact_boundary: v.optional(v.boolean()),
    content_length: column(v.number()),
    context_tokens: column(v.number()),
    output_tokens: column(v.number()),
    tool_calls: v.array(toolCall),
  }),
  v.description("One message, in the archive's column names; an archive may have more columns, or fewer."),
);

const sessionPage = v.object({
  sessions: v.array(session),
  next_cursor: v.nullable(v.pipe(v.string(), v.description("Where the next page begins; null on the last."))),
  total: v.pipe(count, v.description("Sessions that match, on all pages.")),
});

const messagePage = v.object({
  messages: v.array(message),
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
  Session: session,
  SessionPage: sessionPage,
  Message: message,
  MessagePage: messagePage,
  ToolCall: toolCall,
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

/** A column that an archive need not have, nor a value in it. */
function column<T extends v.GenericSchema>(type: T, description?: string) {
  return v.optional(v.nullable(description === undefined ? type : v.pipe(type, v.description(description))));
}
