/**
 * How events look on the wire: Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html), or
 * JSON lines.
 */

import { formatCursor } from "../../watch/cursor.ts";
import type { Delivery } from "../../watch/mailbox.ts";
import { heartbeat, isSessionEvent, versionAfter } from "../../session/events.ts";
import type { StreamEvent } from "../../session/events.ts";
import type { StreamKind } from "../stream-observer.ts";
import type { ScopeChange } from "./scopes.ts";

/** What a client is asked to wait (ms) before it reconnects. */
const RETRY_MS = 3000;
/** When a server stops, its clients are asked to come back within so many ms after that, not all at once. */
const RETRY_SPREAD_MS = 3000;

/** One way to write a stream of `T`. Bytes are shared: whoever is told the same gets the same bytes. */
export interface Format<T> {
  kind: StreamKind;
  contentType: string;
  /**
   * The first bytes.
   *
   * @param cursor where the client stands. It is told so even if it has said so itself: by the standard, a stream begins
   *   without an id, and the first empty line makes that the client's.
   * @param resetReason why its own cursor means nothing.
   */
  opening(cursor: string, nowMs: number, resetReason?: string): Uint8Array;
  frame(item: T): Uint8Array;
  heartbeat(nowMs: number): Uint8Array;
  /** Keeps a quiet connection alive; null where the format has no such thing, and a heartbeat does it. */
  comment: Uint8Array | null;
  /** The last bytes before the server stops. */
  farewell(): Uint8Array | null;
}

/** The stream of one session: its version is the cursor. `id`: data is the bare id, as the reference sends it. */
export function oneAsSse(form: "id" | "json"): Format<Delivery> {
  return sse("session", ({ update }) => ({
    id: versionIn(update),
    event: update.event,
    data: form === "json" ? JSON.stringify(update) : update.data,
  }));
}

/** The same as lines. */
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

/** The stream of many sessions; every line that moves the cursor says so. */
export function manyAsLines(epoch: string): Format<Delivery> {
  return lines("sessions", ({ update, sequence }) => ({ event: update, cursor: cursorAt(epoch, sequence) }));
}

/** The stream of what has changed in the archive at all, as agentsview's pages expect it. */
export function scopesAsSse(epoch: string): Format<ScopeChange> {
  return sse("scopes", ({ scope, sequence }) => ({
    id: cursorAt(epoch, sequence),
    event: "data_changed",
    data: JSON.stringify({ scope }),
  }));
}

/** The same as lines. */
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

/** A heartbeat is the bare time, and has no id: it must not move a client's cursor. */
function sse<T extends object>(kind: StreamKind, frameOf: (item: T) => Frame): Format<T> {
  return {
    kind,
    contentType: "text/event-stream",
    comment: encode(":\n\n"),
    opening(cursor, _nowMs, resetReason) {
      const start = `: ok\nretry: ${RETRY_MS}\n`;
      if (resetReason !== undefined) {
        const data = JSON.stringify({ event: "reset", data: resetReason });
        return encode(`${start}\n${frameText({ id: cursor, event: "reset", data })}`);
      }
      // An id alone is no event, but the client will come back with it.
      return encode(`${start}id: ${cursor}\n\n`);
    },
    frame: onceEach((item) => frameText(frameOf(item))),
    heartbeat: (nowMs) => encode(frameText({ id: null, ...heartbeat(nowMs) })),
    farewell: () =>
      encode(
        `: the server is stopping\nretry: ${RETRY_MS + Math.floor(Math.random() * RETRY_SPREAD_MS)}\n\n`,
      ),
  };
}

/** One event as a line; a cursor is where the client stands after it. */
interface Line {
  event: StreamEvent | { event: "data_changed"; data: { scope: string } };
  cursor: string | null;
}

function lines<T extends object>(kind: StreamKind, lineOf: (item: T) => Line): Format<T> {
  return {
    kind,
    contentType: "application/x-ndjson",
    comment: null,
    opening(cursor, nowMs, resetReason) {
      // There is no comment to begin with.
      const event: StreamEvent =
        resetReason === undefined ? heartbeat(nowMs) : { event: "reset", data: resetReason };
      return encode(lineText({ event, cursor }));
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

/** An update goes to many clients as the same object, and so as the same bytes. */
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
