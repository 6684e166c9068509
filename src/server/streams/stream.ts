/** One client's stream: it takes from its source only when the client reads, and closes once. */

import type { CloseReason } from "../stream-observer.ts";
import type { Format } from "./format.ts";
import type { Due } from "./wheel.ts";

/** One event of a stream. */
export interface Item {
  /** Time (ms) of the first sign of it. */
  noticedMs: number;
}

/** Where a stream takes its events from. */
export interface ItemSource<T> {
  /** @returns undefined when nothing is pending. */
  take(): T | undefined;
  /** Calls `notify` whenever something may be pending, and when it closes. */
  onPending(notify: () => void): void;
  readonly closed: boolean;
  close(): void;
}

/** What one stream needs. */
export interface StreamOptions<T extends Item> {
  source: ItemSource<T>;
  format: Format<T>;
  /** The first bytes. */
  opening: Uint8Array;
  /** Closes the connection even if the client does not read. */
  cut: () => void;
  /** Called once, when the stream closes. */
  onClose: () => void;
}

/** Keeps streams alive; each stream reports to it. */
export interface Keeper {
  opened(stream: Stream<Item>): void;
  /** @param item is now in the client's connection. */
  sent(stream: Stream<Item>, item: Item): void;
  closed(stream: Stream<Item>, reason: CloseReason): void;
}

/** It is itself the source of the response's body: with thousands of streams, each object saved counts. */
export class Stream<T extends Item> implements UnderlyingDefaultSource<Uint8Array>, Due {
  readonly format: Format<T>;
  readonly openedMs: number;
  lastByteMs: number;
  lastEventMs: number;
  slot: number | null = null;
  readonly #options: StreamOptions<T>;
  readonly #keeper: Keeper;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;

  constructor(options: StreamOptions<T>, keeper: Keeper, nowMs: number) {
    this.format = options.format;
    this.openedMs = nowMs;
    this.lastByteMs = nowMs;
    this.lastEventMs = nowMs;
    this.#options = options;
    this.#keeper = keeper;
  }

  /** Whether the client has read everything that was sent. */
  get takesMore(): boolean {
    return (this.#controller?.desiredSize ?? 0) > 0;
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
    // Bun withholds the headers until the first chunk.
    controller.enqueue(this.#options.opening);
    this.#keeper.opened(this);
    this.#options.source.onPending(() => this.pull());
  }

  /** Sends what is pending if the client reads; the rest stays in the source and coalesces there. */
  pull(): void {
    const { source, format } = this.#options;
    if (this.#controller === null) return;
    if (source.closed) return this.#close("ended")?.close();
    if (!this.takesMore) return;
    const item = source.take();
    if (item === undefined) return;
    this.#controller.enqueue(format.frame(item));
    this.#keeper.sent(this, item);
  }

  cancel(): void {
    this.#close("client");
  }

  write(bytes: Uint8Array): void {
    this.#controller?.enqueue(bytes);
  }

  /** The server is stopping. */
  end(): void {
    const farewell = this.format.farewell();
    if (farewell !== null) this.write(farewell);
    this.#close("server")?.close();
  }

  /** The client does not read, so nothing sent to it would arrive. */
  giveUp(): void {
    this.#close("stalled")?.error(new Error("the client has stopped reading"));
    this.#options.cut();
  }

  /** @returns the controller, which the caller closes; null if the stream is closed already. */
  #close(reason: CloseReason): ReadableStreamDefaultController<Uint8Array> | null {
    const controller = this.#controller;
    if (controller === null) return null;
    this.#controller = null;
    this.#keeper.closed(this, reason);
    // Closing the source calls `pull` again, which finds no controller.
    this.#options.source.close();
    this.#options.onClose();
    return controller;
  }
}
