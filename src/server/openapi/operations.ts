/** Every route in words: what it takes and what it answers, for the document that describes the server. */

import * as v from "valibot";
import { listQuery, manyQuery, messageQuery, scopesQuery, syncBody, watchQuery } from "../schema.ts";
import type { DefinitionName } from "./answers.ts";
import type { EventDefinitionName } from "./event-schemas.ts";

/** One method of one path. */
export interface Operation {
  /** Unique; what generated clients call it. */
  id: string;
  tag: "streams" | "sessions" | "operations";
  summary: string;
  description?: string;
  /** Answered without the server's token, if it has one. @default false */
  isOpen?: boolean;
  query?: Schema;
  headers?: Schema;
  body?: Schema;
  /** By status. */
  answers: Record<number, Answer>;
}

export type Schema = Pick<v.ObjectSchema<v.ObjectEntries, undefined>, "entries"> & v.GenericSchema;

export interface Answer {
  description: string;
  /** By media type. */
  content?: Record<string, Content>;
  /** What they say, by name. */
  headers?: Record<string, string>;
}

/** A schema by its name; a text, and what it is; or frames of these events, and what their data is. */
export type Content = DefinitionName | { text: string } | { frames: EventDefinitionName; data: string };

const failed = (description: string): Answer => ({ description, content: { "application/json": "Error" } });

/** What any request may be answered with. */
const ALWAYS = {
  400: failed("The Host header is no name or address."),
  401: {
    ...failed("The server was started with a token, and this is not it."),
    headers: { "WWW-Authenticate": "Bearer" },
  },
  403: failed(
    "The request was sent to another host than the server's, or comes from a page of another origin.",
  ),
  500: failed("A fault of the server's; its log says more."),
};
/** The same, without the token. */
const OPEN = { 400: ALWAYS[400], 403: ALWAYS[403], 500: ALWAYS[500] };
const NO_SUCH_SESSION = failed("There is no such session.");
const BAD_REQUEST = failed(
  `A parameter is not what it may be; the error says what would be right. ${ALWAYS[400].description}`,
);
const RETRY_AFTER = { "Retry-After": "Seconds to wait before the next try." };
const UNAVAILABLE = { ...failed("The archive cannot be read now."), headers: RETRY_AFTER };
/** What a stream may be answered with instead. */
const BUSY = {
  429: { ...failed("Your address has its share of streams."), headers: RETRY_AFTER },
  503: {
    ...failed("The archive cannot be read now, or as many streams are open as the server allows."),
    headers: RETRY_AFTER,
  },
};

const lastEventId = v.object({
  "Last-Event-ID": v.optional(
    v.pipe(
      v.string(),
      v.description("As an EventSource sends it when it reconnects. It comes before last_event_id."),
    ),
  ),
});

const SESSION_DATA =
  "The session's id, or with data=json the object that JSON lines have; of a heartbeat the time.";
const OBJECT_DATA = "The object that JSON lines have; of a heartbeat the time.";

/** By method and path. */
export const OPERATIONS: Record<string, Operation> = {
  "GET /": {
    id: "page",
    tag: "sessions",
    summary: "A page that shows sessions as they change",
    isOpen: true,
    answers: { ...OPEN, 200: { description: "The page.", content: { "text/html": { text: "HTML" } } } },
  },
  "GET /api/v1/sessions": {
    id: "listSessions",
    tag: "sessions",
    summary: "Sessions, the newest activity first",
    query: listQuery,
    answers: { ...ALWAYS, ...json("One page of them.", "SessionPage"), 400: BAD_REQUEST, 503: UNAVAILABLE },
  },
  "GET /api/v1/sessions/{id}": {
    id: "getSession",
    tag: "sessions",
    summary: "One session",
    answers: { ...ALWAYS, ...json("The session.", "Session"), 404: NO_SUCH_SESSION, 503: UNAVAILABLE },
  },
  "GET /api/v1/sessions/{id}/messages": {
    id: "listMessages",
    tag: "sessions",
    summary: "The messages of one session, with their tool calls",
    query: messageQuery,
    answers: {
      ...ALWAYS,
      ...json("Some of them.", "MessagePage"),
      400: BAD_REQUEST,
      404: NO_SUCH_SESSION,
      503: UNAVAILABLE,
    },
  },
  "POST /api/v1/sessions/sync": {
    id: "syncSession",
    tag: "sessions",
    summary: "Bring one session up to date with its transcript",
    description: "Names either the session or its transcript.",
    body: syncBody,
    answers: {
      ...ALWAYS,
      ...json("The session as it is now.", "Session"),
      400: failed(
        `The body is not what it may be; the error says what would be right. ${ALWAYS[400].description}`,
      ),
      403: failed(
        `No agent keeps transcripts there, or this server syncs nothing. ${ALWAYS[403].description}`,
      ),
      404: failed("There is no such session, or no transcript of it."),
      408: failed("The body did not come in time."),
      413: failed("The body is too large."),
      415: failed("The body is not JSON."),
      503: { ...UNAVAILABLE, description: "The archive or the transcript cannot be read now." },
    },
  },
  "GET /api/v1/sessions/{id}/watch": {
    id: "watchSession",
    tag: "streams",
    summary: "The changes of one session, as they happen",
    description: "Ids of events are versions: they stay valid when the server is restarted.",
    query: watchQuery,
    headers: lastEventId,
    answers: {
      ...ALWAYS,
      ...stream("SessionEvent", SESSION_DATA),
      400: BAD_REQUEST,
      404: NO_SUCH_SESSION,
      ...BUSY,
    },
  },
  "GET /api/v1/watch": {
    id: "watchSessions",
    tag: "streams",
    summary: "The changes of many sessions on one stream, as they happen",
    description: "Wants session, or all=true, or at least one of project, agent and machine.",
    query: manyQuery,
    headers: lastEventId,
    answers: {
      ...ALWAYS,
      ...stream("SessionsEvent", OBJECT_DATA),
      400: BAD_REQUEST,
      404: NO_SUCH_SESSION,
      ...BUSY,
    },
  },
  "GET /api/v1/events": {
    id: "watchScopes",
    tag: "streams",
    summary: "In which scope anything has changed, for readers who fetch the rest themselves",
    query: scopesQuery,
    headers: lastEventId,
    answers: {
      ...ALWAYS,
      ...stream("ScopesEvent", "The scope, as an object; of a heartbeat the time."),
      400: BAD_REQUEST,
      ...BUSY,
    },
  },
  "GET /api/ping": {
    id: "ping",
    tag: "operations",
    summary: "Who this is",
    answers: { ...ALWAYS, ...json("This is sessionwatch.", "Ping") },
  },
  "GET /healthz": {
    id: "healthz",
    tag: "operations",
    summary: "Whether the process lives; the archive is not asked",
    isOpen: true,
    answers: { ...OPEN, ...json("It does.", "Ok") },
  },
  "GET /readyz": {
    id: "readyz",
    tag: "operations",
    summary: "Whether the archive can be read, said within 2 s",
    isOpen: true,
    answers: { ...OPEN, ...json("It can.", "Ok"), 503: UNAVAILABLE },
  },
  "GET /metrics": {
    id: "metrics",
    tag: "operations",
    summary: "What the server measures of itself, for Prometheus",
    answers: {
      ...ALWAYS,
      200: {
        description: "All of it.",
        content: { "text/plain": { text: "Prometheus's text format, 0.0.4" } },
      },
    },
  },
  "GET /openapi.json": {
    id: "openapi",
    tag: "operations",
    summary: "This document",
    answers: {
      ...ALWAYS,
      200: { description: "OpenAPI 3.1.", content: { "application/json": "Document" } },
    },
  },
};

function json(description: string, schema: DefinitionName): Record<200, Answer> {
  return { 200: { description, content: { "application/json": schema } } };
}

function stream(events: EventDefinitionName, data: string): Record<200, Answer> {
  return {
    200: {
      description:
        "A stream that begins at once, and ends when either side does. It is given as JSON lines to those who prefer " +
        "application/x-ndjson. The schemas are those of one event.",
      content: { "text/event-stream": { frames: events, data }, "application/x-ndjson": events },
    },
  };
}
