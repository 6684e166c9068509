/**
 * How events look on the wire: Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html), or
 * JSON lines.
 */

import { formatCursor } from "../../watch/cursor.ts";
import type { Delivery } from "../../watch/mailbox.ts";
import { heartbeat, isSessionEvent, versionAfter } from "../../session/events.ts";
import type { StreamEvent } from "../../session/events.ts";
import type { StreamKind } from "../stream-observer.ts";
import type { Format } from "./format.ts";
import type { ScopeChange } from "./scopes.ts";

/** How long (ms) a client waits before it reconnects. */
const RETRY_MS = 3000;
/** Clients of a server that stops reconnect within this time (ms) after that, not all at once. */
const RETRY_SPREAD_MS = 3000;

/** The stream of one session: its version is the cursor. `id`: data is the bare id, as the reference sends it. */
export function oneAsSse(form: "id" | "json"): Format<Delivery> {
  return sse("session", ({ update }) => ({
    id: versionIn(update),
    event: update.event,
    data: form === "json" ? JSON.stringify(update) : update.data,
  }));
}

/** The stream of one session as lines. */
export function oneAsLines(): Format<Delivery> {
  return lines("session", ({ update }) => ({ event: update, cursor: versionIn(update) }));
}

/** The stream of many sessions. */
export function manyAsSse(epoch: string): Format<Delivery> {
  return sse("sessions", ({ update, sequence }) => ({
    id: cursorAt(epoch, sequence),
    event: update.event,
    data: JSON.stringify(update),
  }));
}

/** The stream of many sessions as lines; every line that moves the cursor has it. */
export function manyAsLines(epoch: string): Format<Delivery> {
  return lines("sessions", ({ update, sequence }) => ({ event: update, cursor: cursorAt(epoch, sequence) }));
}

/** The stream of changed scopes, as agentsview's pages expect it. */
export function scopesAsSse(epoch: string): Format<ScopeChange> {
  return sse("scopes", ({ scope, sequence }) => ({
    id: cursorAt(epoch, sequence),
    event: "data_changed",
    data: JSON.stringify({ scope }),
  }));
}

/** The stream of changed scopes as lines. */
export function scopesAsLines(epoch: string): Format<ScopeChange> {
  return lines("scopes", ({ scope, sequence }) => ({
    event: { event: "data_changed", data: { scope } },
    cursor: cursorAt(epoch, sequence),
  }));
}

/** @returns null if the event leaves the session as it is. */
function versionIn(update: Delivery["update"]): string | null {
  return isSessionEvent(update) ? versionAfter(update) : null;
}

function cursorAt(epoch: string, sequence: number | null): string | null {
  return sequence === null ? null : formatCursor({ epoch, sequence });
}

/** The fields of one event; an id moves the client's cursor. */
interface Frame {
  id: string | null;
  event: string;
  data: string;
}

/** A heartbeat is the bare time. Only the first one has an id: later ones must not move a client's cursor. */
function sse<T extends object>(kind: StreamKind, frameOf: (item: T) => Frame): Format<T> {
  return {
    kind,
    contentType: "text/event-stream",
    // Without an empty line: python's httpx-sse would report each one as an empty message.
    comment: encode(":\n"),
    opening(cursor, nowMs, reset) {
      // The first block carries an event: some clients report a block that has only an id as an empty message.
      const first = `: ok\nretry: ${RETRY_MS}\n${frameText({ id: cursor, ...heartbeat(nowMs) })}`;
      if (reset === undefined) return encode(first);
      // A client that loses its connection between the two still has its own cursor, and gets the reset next time.
      const data = JSON.stringify({ event: "reset", data: reset.reason });
      return encode(first + frameText({ id: reset.cursor, event: "reset", data }));
    },
    frame: onceEach((item) => frameText(frameOf(item))),
    heartbeat: (nowMs) => encode(frameText({ id: null, ...heartbeat(nowMs) })),
    farewell: () =>
      encode(
        `: the server is stopping\nretry: ${RETRY_MS + Math.floor(Math.random() * RETRY_SPREAD_MS)}\n\n`,
      ),
  };
}

/** One event as a line; `cursor` is the client's position after it. */
interface Line {
  event: StreamEvent | { event: "data_changed"; data: { scope: string } };
  cursor: string | null;
}

function lines<T extends object>(kind: StreamKind, lineOf: (item: T) => Line): Format<T> {
  return {
    kind,
    contentType: "application/x-ndjson",
    comment: null,
    opening(cursor, nowMs, reset) {
      // The format has no comment to begin with.
      const line: Line =
        reset === undefined
          ? { event: heartbeat(nowMs), cursor }
          : { event: { event: "reset", data: reset.reason }, cursor: reset.cursor };
      return encode(lineText(line));
    },
    frame: onceEach((item) => lineText(lineOf(item))),
    heartbeat: (nowMs) => encode(lineText({ event: heartbeat(nowMs), cursor: null })),
    farewell: () => null,
  };
}

function lineText({ event, cursor }: Line): string {
  return `${JSON.stringify(cursor === null ? event : { ...event, cursor })}\n`;
}

function frameText({ id, event, data }: Frame): string {
  // Any line end inside the data would end the field: each line of it becomes a field of its own.
  const fields = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `${id === null ? "" : `id: ${id}\n`}event: ${event}\n${fields.join("")}\n`;
}

/** Many clients get the same update object, and so the same bytes. */
function onceEach<T extends object>(textOf: (item: T) => string): (item: T) => Uint8Array {
  const known = new WeakMap<T, Uint8Array>();
  return (item) => {
    let bytes = known.get(item);
    if (bytes === undefined) {
      bytes = encode(textOf(item));
      known.set(item, bytes);
    }
    return bytes;
  };
}

const encoder = new TextEncoder();

function encode(text: string): Uint8Array {
  return encoder.encode(text);
}
