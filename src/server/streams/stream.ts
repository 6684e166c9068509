/** One client's stream: takes what is pending when the client takes it, and ends once. */

import type { CloseReason } from "../stream-observer.ts";
import type { Format } from "./formats.ts";
import type { Due } from "./wheel.ts";

/** What a stream carries. */
export interface Item {
  /** When (ms) there was the first sign of it. */
  noticedMs: number;
}

/** What a stream is fed from. */
export interface Source<T> {
  /** @returns undefined when nothing is pending. */
  take(): T | undefined;
  /** Calls `notify` whenever something may be pending, and at the end. */
  onPending(notify: () => void): void;
  readonly closed: boolean;
  close(): void;
}

/** What is asked of one stream. */
export interface StreamOptions<T extends Item> {
  source: Source<T>;
  format: Format<T>;
  /** The first bytes. */
  opening: Uint8Array;
  /** Closes the connection of a client that does not read. */
  cut: () => void;
  /** Called once, at the end. */
  onClose: () => void;
}

/** What keeps streams alive, and is told what becomes of each. */
export interface Keeper {
  opened(stream: Stream<Item>): void;
  /** @param item was handed to the client's connection. */
  sent(stream: Stream<Item>, item: Item): void;
  closed(stream: Stream<Item>, reason: CloseReason): void;
}

/** It is the source of its response's body: with thousands of them, every object less counts. */
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

  /** Whether the client has taken all that was sent. */
  get takesMore(): boolean {
    return (this.#controller?.desiredSize ?? 0) > 0;
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
    // Bun withholds the headers until there is a first chunk.
    controller.enqueue(this.#options.opening);
    this.#keeper.opened(this);
    this.#options.source.onPending(() => this.pull());
  }

  /** Sends what is pending if the client takes it; the rest stays, coalesced, where it is. */
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

  /** The server stops. */
  end(): void {
    const farewell = this.format.farewell();
    if (farewell !== null) this.write(farewell);
    this.#close("server")?.close();
  }

  /** The client does not read: nothing that is said to it would ever arrive. */
  giveUp(): void {
    this.#close("stalled")?.error(new Error("the client has stopped reading"));
    this.#options.cut();
  }

  /** @returns what has to be closed yet; null if it was before. */
  #close(reason: CloseReason): ReadableStreamDefaultController<Uint8Array> | null {
    const controller = this.#controller;
    if (controller === null) return null;
    this.#controller = null;
    this.#keeper.closed(this, reason);
    // It calls back at its end: by then there is nothing left to do.
    this.#options.source.close();
    this.#options.onClose();
    return controller;
  }
}
