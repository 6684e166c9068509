/** Every stream of a server: opens them, keeps them alive with one timer wheel, closes them together. */

import type { Clock } from "../../async/clock.ts";
import type { CloseReason, StreamObserver } from "../stream-observer.ts";
import type { Format } from "./format.ts";
import { Stream } from "./stream.ts";
import type { Item, Keeper, StreamOptions } from "./stream.ts";
import { Wheel } from "./wheel.ts";

/** Time (ms) without a byte after which a comment or heartbeat is sent, so that no proxy times the stream out. */
const COMMENT_MS = 15_000;
/** A client that reads nothing for this time (ms) while something is pending is closed. */
const STALL_MS = 30_000;

export class Streams implements Keeper {
  readonly #clock: Clock;
  readonly #heartbeatMs: number;
  readonly #observer: StreamObserver;
  readonly #open = new Set<Stream<Item>>();
  #isClosed = false;
  readonly #wheel: Wheel<Stream<Item>>;
  /** The last heartbeat of each format: within one second they are all the same. */
  readonly #beats = new Map<Format<Item>, { second: number; bytes: Uint8Array }>();

  constructor(clock: Clock, heartbeatMs: number, observer: StreamObserver = NOBODY) {
    this.#clock = clock;
    this.#heartbeatMs = heartbeatMs;
    this.#observer = observer;
    this.#wheel = new Wheel(clock, (stream) => this.#tend(stream));
  }

  get size(): number {
    return this.#open.size;
  }

  /** @returns a response that streams until either side closes it. */
  respond<T extends Item>(options: StreamOptions<T>): Response {
    const stream = new Stream(options, this, this.#clock.now());
    return new Response(new ReadableStream(stream), { headers: headersOf(options.format) });
  }

  /** Ends every stream, also those that open later; clients reconnect with their last event id. */
  closeAll(): void {
    this.#isClosed = true;
    for (const stream of this.#open) stream.end();
  }

  opened(stream: Stream<Item>): void {
    this.#open.add(stream);
    this.#wheel.schedule(stream, this.#quietUntilMs(stream));
    this.#observer.onOpen(stream.format.kind);
    if (this.#isClosed) stream.end();
  }

  sent(stream: Stream<Item>, item: Item): void {
    const nowMs = this.#clock.now();
    stream.lastByteMs = nowMs;
    stream.lastEventMs = nowMs;
    const { noticedMs } = item;
    if (noticedMs >= stream.openedMs) this.#observer.onSent(stream.format.kind, nowMs - noticedMs);
  }

  closed(stream: Stream<Item>, reason: CloseReason): void {
    this.#open.delete(stream);
    this.#wheel.remove(stream);
    this.#observer.onClose(stream.format.kind, reason, this.#clock.now() - stream.openedMs);
  }

  /** Its deadline has passed, but the stream may have been busy since it was set. */
  #tend(stream: Stream<Item>): void {
    const nowMs = this.#clock.now();
    if (!stream.takesMore) {
      // The client has not read what was sent last; more would only pile up.
      const giveUpMs = stream.lastByteMs + STALL_MS;
      if (nowMs >= giveUpMs) stream.giveUp();
      else this.#wheel.schedule(stream, giveUpMs);
      return;
    }
    if (nowMs >= this.#quietUntilMs(stream)) this.#breakSilence(stream, nowMs);
    this.#wheel.schedule(stream, this.#quietUntilMs(stream));
  }

  #breakSilence(stream: Stream<Item>, nowMs: number): void {
    const { format } = stream;
    stream.lastByteMs = nowMs;
    if (nowMs - stream.lastEventMs >= this.#heartbeatMs) {
      stream.lastEventMs = nowMs;
      stream.write(this.#beat(format));
    } else {
      stream.write(format.comment ?? this.#beat(format));
    }
  }

  #beat(format: Format<Item>): Uint8Array {
    const dateMs = this.#clock.date();
    const second = Math.floor(dateMs / 1000);
    let beat = this.#beats.get(format);
    if (beat?.second !== second) {
      beat = { second, bytes: format.heartbeat(dateMs) };
      this.#beats.set(format, beat);
    }
    return beat.bytes;
  }

  /** When (ms) a client that has read everything gets a sign of life. */
  #quietUntilMs({ lastByteMs, lastEventMs }: Stream<Item>): number {
    return Math.min(lastByteMs + COMMENT_MS, lastEventMs + this.#heartbeatMs);
  }
}

/** The headers of a stream. */
function headersOf({ contentType }: Pick<Format<never>, "contentType">): Record<string, string> {
  return {
    "content-type": contentType,
    vary: "Accept",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
  };
}

const NOBODY: StreamObserver = {
  onOpen: () => undefined,
  onClose: () => undefined,
  onSent: () => undefined,
};
