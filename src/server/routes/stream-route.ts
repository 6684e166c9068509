/** A route that answers with a stream. */

import { accepts } from "hono/accepts";
import type { Context } from "hono";
import { WatchError } from "../../errors.ts";
import { formatCursor, parseCursor } from "../../watch/cursor.ts";
import type { Cursor } from "../../watch/cursor.ts";
import type { Env } from "../env.ts";
import type { RequestSchemas } from "../openapi/operation.ts";
import { inputOf } from "../route.ts";
import type { Route, RouteDefinition, RouteInput } from "../route.ts";
import type { Admission } from "../streams/admission.ts";
import type { Format } from "../streams/format.ts";
import type { Item, ItemSource } from "../streams/stream.ts";
import type { Streams } from "../streams/streams.ts";

/** What is streamed, how, and the first bytes. */
export interface OpenedStream<T extends Item> {
  source: ItemSource<T>;
  format: Format<T>;
  opening: Uint8Array;
}

export interface StreamRouteDefinition<R extends RequestSchemas, T extends Item> extends Omit<
  RouteDefinition<R>,
  "handle" | "policy" | "method" | "tag"
> {
  open(input: RouteInput<R>, c: Context<Env>): Promise<OpenedStream<T>>;
}

export interface StreamRouteOptions {
  streams: Streams;
  admission: Admission;
}

const NDJSON = "application/x-ndjson";
const SSE = "text/event-stream";

export function streamRoute<const R extends RequestSchemas, T extends Item>(
  definition: StreamRouteDefinition<R, T>,
  { streams, admission }: StreamRouteOptions,
): Route {
  const { ignoredParameters: _, open, ...rest } = definition;
  const operation = { ...rest, method: "GET", policy: "stream", tag: "streams" } as const;
  return {
    ...operation,
    async answer(c, clock) {
      // Before anything else: a full server does no more work for a stream.
      const lease = admission.admit(c.env.address());
      try {
        const input = await inputOf({ ...definition, ...operation }, c, clock);
        const opened = await open(input, c);
        const { cut, allowSilence } = c.env;
        allowSilence();
        return streams.respond({ ...opened, cut, onClose: lease.keep() });
      } finally {
        if (!lease.isKept) lease.release();
      }
    },
  };
}

export function wantsLines(c: Context<Env>): boolean {
  return accepts(c, { header: "Accept", supports: [SSE, NDJSON], default: SSE }) === NDJSON;
}

/** Where a client may say what it has seen. */
export interface ResumeInput {
  headers: { "Last-Event-ID"?: string };
  query: { last_event_id?: string };
}

/**
 * @returns the client's last event id. The header takes precedence: clients that reconnect by themselves send it, so it is
 * newer than the URL. By the standard, an empty id is none.
 */
export function lastEventIdOf({ headers, query }: ResumeInput): string | undefined {
  return headers["Last-Event-ID"] || query.last_event_id || undefined;
}

/** @throws WatchError `usage` for an id that no server of ours has sent. */
export function cursorOf(input: ResumeInput): Cursor | undefined {
  const text = lastEventIdOf(input);
  if (text === undefined) return undefined;
  const cursor = parseCursor(text);
  if (cursor !== null) return cursor;
  throw new WatchError("usage", "last_event_id: not one that this server gave; leave it out to start anew");
}

/** @returns a client's position before the first event: its own cursor, else where the stream begins. */
export function positionBefore(since: Cursor | undefined, beginning: Cursor): string {
  return formatCursor(since ?? beginning);
}
