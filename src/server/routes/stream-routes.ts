/** The routes that stream. */

import { Hono } from "hono";
import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { WatchError } from "../../errors.ts";
import { formatCursor, parseCursor } from "../../watch/cursor.ts";
import type { Cursor } from "../../watch/cursor.ts";
import type { Position } from "../../watch/feed.ts";
import type { Clock } from "../../async/clock.ts";
import type { Store } from "../../watch/ports.ts";
import { DELETED } from "../../session/session.ts";
import type { Subscription } from "../../watch/subscription.ts";
import type { Watcher } from "../../watch/watcher.ts";
import { parseManyQuery, parseScopesQuery, parseWatchQuery } from "../schema.ts";
import { admitStreams } from "../streams/admission.ts";
import type { Admission, AdmittedEnv } from "../streams/admission.ts";
import {
  manyAsLines,
  manyAsSse,
  oneAsLines,
  oneAsSse,
  scopesAsLines,
  scopesAsSse,
} from "../streams/formats.ts";
import type { Format } from "../streams/formats.ts";
import { Scopes } from "../streams/scopes.ts";
import type { Item, Source } from "../streams/stream.ts";
import type { Streams } from "../streams/streams.ts";

export interface StreamRoutesOptions {
  store: Store;
  watcher: Watcher;
  streams: Streams;
  clock: Clock;
  admission: Admission;
}

const NDJSON = "application/x-ndjson";
const SSE = "text/event-stream";
/** Said to a client whose cursor this server did not give. */
const RESET_REASON = "the server was restarted: fetch the list again";

export function streamRoutes(options: StreamRoutesOptions): Hono<AdmittedEnv> {
  const { store, watcher, streams, clock, admission } = options;
  const routes = new Hono<AdmittedEnv>();
  for (const path of ["/sessions/:id/watch", "/watch", "/events"]) routes.use(path, admitStreams(admission));
  const { epoch } = watcher;
  const one = { id: oneAsSse("id"), json: oneAsSse("json"), lines: oneAsLines() };
  const many = { sse: manyAsSse(epoch), lines: manyAsLines(epoch) };
  const scopes = { sse: scopesAsSse(epoch), lines: scopesAsLines(epoch) };

  routes.get("/sessions/:id/watch", async (c) => {
    const id = c.req.param("id");
    const { data, last_event_id: fromQuery } = parseWatchQuery(c.req.query());
    const since = lastEventIdOf(c, fromQuery);
    const isKnown = since !== undefined && (isVersion(since) || (await store.get(id)) !== null);
    const subscription = watcher.events(id, isKnown ? { since } : {});
    const session = await subscription.ready;
    // Where the client stands it knows better, until it was told what it has missed.
    const cursor = isKnown ? since.replaceAll(/[\0\r\n]/g, "") : (session?.version ?? DELETED);
    const format = wantsLines(c) ? one.lines : one[data];
    return respond(c, subscription, format, format.opening(cursor, clock.date()));
  });

  routes.get("/watch", async (c) => {
    const { selection, last_event_id: fromQuery } = parseManyQuery(c.req.query(), c.req.queries("session"));
    const since = cursorOf(c, fromQuery);
    const subscription = watcher.eventsOf(selection, since === undefined ? {} : { since });
    const position = await subscription.ready;
    const format = wantsLines(c) ? many.lines : many.sse;
    const reason = position.isReset ? RESET_REASON : undefined;
    return respond(c, subscription, format, format.opening(placeOf(position, since), clock.date(), reason));
  });

  routes.get("/events", async (c) => {
    const { last_event_id: fromQuery } = parseScopesQuery(c.req.query());
    const since = cursorOf(c, fromQuery);
    const subscription: Subscription<Position> = watcher.eventsOf(
      { sessions: "all", filter: {} },
      since === undefined ? {} : { since },
    );
    const position = await subscription.ready;
    const { isReset, cursor } = position;
    const changes = new Scopes(subscription, clock, isReset ? cursor.sequence : (since ?? cursor).sequence);
    if (isReset) changes.missedEverything();
    const format = wantsLines(c) ? scopes.lines : scopes.sse;
    return respond(c, changes, format, format.opening(placeOf(position, since), clock.date()));
  });

  function respond<T extends Item>(
    c: Context<AdmittedEnv>,
    source: Source<T>,
    format: Format<T>,
    opening: Uint8Array,
  ): Response {
    const { cut, allowSilence } = c.env;
    allowSilence();
    return streams.respond({ source, format, opening, cut, onClose: c.var.lease.keep() });
  }

  return routes;
}

/** Where a client stands that was told nothing yet: where it was, or where it comes in. */
function placeOf({ cursor, isReset }: Position, since: Cursor | undefined): string {
  return formatCursor(since === undefined || isReset ? cursor : since);
}

function wantsLines(c: Context<AdmittedEnv>): boolean {
  return accepts(c, { header: "Accept", supports: [SSE, NDJSON], default: SSE }) === NDJSON;
}

/**
 * The header comes from a client that reconnects by itself: it is newer than what stands in the URL. By the standard, an
 * empty id is none.
 */
function lastEventIdOf(c: Context<AdmittedEnv>, fromQuery: string | undefined): string | undefined {
  return c.req.header("last-event-id") || fromQuery || undefined;
}

function cursorOf(c: Context<AdmittedEnv>, fromQuery: string | undefined): Cursor | undefined {
  const text = lastEventIdOf(c, fromQuery);
  if (text === undefined) return undefined;
  const cursor = parseCursor(text);
  if (cursor === null)
    throw new WatchError("usage", "last_event_id: not one that this server gave; leave it out to begin anew");
  return cursor;
}

/** A cursor that a server of ours can have sent proves that the session existed once, even if it is gone now. */
function isVersion(cursor: string): boolean {
  return cursor === DELETED || /^[\w-]{16}$/.test(cursor);
}
