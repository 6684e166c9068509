/** Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html): frames and open streams. */

import type { Clock } from "../watch/ports.ts";
import { DELETED, heartbeat } from "../watch/session.ts";
import type { StreamEvent } from "../watch/session.ts";
import type { Subscription } from "../watch/subscription.ts";

/** What a client is asked to wait (ms) before it reconnects. */
const RETRY_MS = 3000;
/** After so long (ms) without a byte a comment is sent, so that nothing on the way takes the stream for dead. */
const COMMENT_MS = 15_000;
/** A client that has taken nothing for so long (ms) while something waits for it is not coming back. */
const STALL_MS = 30_000;
/** How often (ms) all open streams are looked over for what is due. */
const SWEEP_MS = 1000;

export const STREAM_HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/** `id`: data is the bare id, as the reference sends it. `json`: data is the NDJSON object. */
export type DataForm = "id" | "json";

interface Stream {
  subscription: Subscription;
  controller: ReadableStreamDefaultController<Uint8Array>;
  /** When the last byte, and the last event, was sent. */
  lastByteMs: number;
  lastEventMs: number;
  /** Since when the client has taken nothing of what waits for it; null while it takes all. */
  stalledSinceMs: number | null;
  cut: () => void;
}

/** Every stream of a server: opened here, kept alive by one timer, closed together. */
export class Streams {
  readonly #clock: Clock;
  readonly #heartbeatMs: number;
  readonly #open = new Set<Stream>();
  #cancelSweep: (() => void) | null = null;

  constructor(clock: Clock, heartbeatMs: number) {
    this.#clock = clock;
    this.#heartbeatMs = heartbeatMs;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * @param cut closes the connection of a client that does not read.
   * @returns the response that streams `subscription` until either side ends it.
   */
  respond(subscription: Subscription, form: DataForm, cut: () => void): Response {
    let stream: Stream;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const nowMs = this.#clock.now();
        stream = {
          subscription,
          controller,
          lastByteMs: nowMs,
          lastEventMs: nowMs,
          stalledSinceMs: null,
          cut,
        };
        // Bun withholds the headers until there is a first chunk.
        controller.enqueue(encode(`: ok\nretry: ${RETRY_MS}\n\n`));
        this.#add(stream);
        subscription.onPending(() => this.#pump(stream, form));
      },
      pull: () => {
        stream.stalledSinceMs = null;
        this.#pump(stream, form);
      },
      cancel: () => this.#remove(stream),
    });
    return new Response(body, { headers: STREAM_HEADERS });
  }

  /** Ends every stream; clients come back with their last event id. */
  closeAll(): void {
    for (const stream of this.#open) {
      stream.controller.enqueue(encode(": the server is stopping\n\n"));
      this.#remove(stream);
      stream.controller.close();
    }
  }

  #add(stream: Stream): void {
    this.#open.add(stream);
    this.#cancelSweep ??= this.#clock.after(SWEEP_MS, () => this.#sweep());
  }

  #remove(stream: Stream): void {
    this.#open.delete(stream);
    stream.subscription.close();
    if (this.#open.size > 0) return;
    this.#cancelSweep?.();
    this.#cancelSweep = null;
  }

  #giveUp(stream: Stream): void {
    this.#remove(stream);
    stream.controller.error(new Error("the client has stopped reading"));
    stream.cut();
  }

  /** Sends what is pending for as long as the client takes it; the rest stays, coalesced, in the mailbox. */
  #pump(stream: Stream, form: DataForm): void {
    const { subscription, controller } = stream;
    if (!this.#open.has(stream)) return;
    if (subscription.closed) {
      this.#remove(stream);
      controller.close();
      return;
    }
    while ((controller.desiredSize ?? 0) > 0) {
      const update = subscription.take();
      if (update === undefined) return;
      controller.enqueue(frameOf(update, form));
      stream.lastByteMs = this.#clock.now();
      stream.lastEventMs = stream.lastByteMs;
    }
  }

  #sweep(): void {
    const nowMs = this.#clock.now();
    this.#cancelSweep = this.#clock.after(SWEEP_MS, () => this.#sweep());
    const beat = frameOf(heartbeat(nowMs), "id");
    for (const stream of this.#open) {
      if ((stream.controller.desiredSize ?? 0) <= 0) {
        // It gets nothing more: that would only pile up.
        stream.stalledSinceMs ??= nowMs;
        if (nowMs - stream.stalledSinceMs >= STALL_MS) this.#giveUp(stream);
        continue;
      }
      if (nowMs - stream.lastEventMs >= this.#heartbeatMs) {
        stream.controller.enqueue(beat);
        stream.lastEventMs = nowMs;
        stream.lastByteMs = nowMs;
      } else if (nowMs - stream.lastByteMs >= COMMENT_MS) {
        stream.controller.enqueue(COMMENT);
        stream.lastByteMs = nowMs;
      }
    }
  }
}

/** An update goes to many clients as the same object, and so as the same bytes. */
const frames = { id: new WeakMap<object, Uint8Array>(), json: new WeakMap<object, Uint8Array>() };

export function frameOf(event: StreamEvent, form: DataForm): Uint8Array {
  const known = frames[form].get(event);
  if (known !== undefined) return known;
  const frame = encode(formatFrame(event, form));
  frames[form].set(event, frame);
  return frame;
}

/** A heartbeat is the bare time in either form, and has no id: it must not move a client's cursor. */
function formatFrame(event: StreamEvent, form: DataForm): string {
  const data = form === "json" && event.event !== "heartbeat" ? JSON.stringify(event) : event.data;
  const cursor = cursorOf(event);
  const id = cursor === null ? "" : `id: ${cursor}\n`;
  // Any line end inside the data would end the field: each line of it becomes a field of its own.
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `${id}event: ${event.event}\n${lines.join("")}\n`;
}

function cursorOf(event: StreamEvent): string | null {
  if (event.event === "session_updated") return event.version;
  return event.event === "session_deleted" ? DELETED : null;
}

const encoder = new TextEncoder();
const COMMENT = encode(":\n\n");

function encode(text: string): Uint8Array {
  return encoder.encode(text);
}
