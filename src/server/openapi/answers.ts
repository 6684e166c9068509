/** Everything that the server answers with and that has a name in the OpenAPI document. */

import * as v from "valibot";
import {
  dataChangedSchema,
  degradedSchema,
  EVENTS,
  heartbeatSchema,
  recoveredSchema,
  resetSchema,
  sessionDeletedSchema,
  sessionUpdatedSchema,
} from "./event-schemas.ts";
import { count } from "./fields.ts";
import { messageSchema, sessionSchema, toolCallSchema } from "./row-schemas.ts";

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
  sessions: v.array(sessionSchema),
  next_cursor: v.nullable(v.pipe(v.string(), v.description("Where the next page begins; null on the last."))),
  total: v.pipe(count, v.description("Matching sessions on all pages.")),
});

const messagePage = v.object({
  messages: v.array(messageSchema),
  count: v.pipe(count, v.description("Messages on this page.")),
});

const document = v.looseObject({ openapi: v.string(), info: v.looseObject({ version: v.string() }) });

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
  SessionUpdated: sessionUpdatedSchema,
  SessionDeleted: sessionDeletedSchema,
  Degraded: degradedSchema,
  Recovered: recoveredSchema,
  Heartbeat: heartbeatSchema,
  Reset: resetSchema,
  DataChanged: dataChangedSchema,
  ...EVENTS,
} as const;

export type DefinitionName = keyof typeof DEFINITIONS;
