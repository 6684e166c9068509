/** Everything that the server answers with and that has a name in the OpenAPI document. */

import * as v from "valibot";
import {
  dataChanged,
  degraded,
  EVENTS,
  heartbeat,
  recovered,
  reset,
  sessionDeleted,
  sessionUpdated,
} from "./event-schemas.ts";
import { count } from "./fields.ts";
import { message, session, toolCall } from "./session-schemas.ts";

const error = v.pipe(
  v.object({ error: v.pipe(v.string(), v.description("What is wrong, and what to send instead.")) }),
  v.description("Why a request failed."),
);

const ok = v.object({ ok: v.literal(true) });

const ping = v.object({
  ok: v.literal(true),
  service: v.literal("sessionwatch"),
  version: v.string(),
  pid: count,
});

const sessionPage = v.object({
  sessions: v.array(session),
  next_cursor: v.nullable(v.pipe(v.string(), v.description("Where the next page begins; null on the last."))),
  total: v.pipe(count, v.description("Matching sessions on all pages.")),
});

const messagePage = v.object({
  messages: v.array(message),
  count: v.pipe(count, v.description("Messages on this page.")),
});

const document = v.looseObject({ openapi: v.string(), info: v.looseObject({ version: v.string() }) });

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
