/** A subscriber's end of the feed. */

import { Mailbox } from "./mailbox.ts";
import type { Delivery } from "./mailbox.ts";
import type { Update } from "../session/events.ts";

/** What the feed returns for a mailbox: where it begins, and how to leave. */
export interface Registration<T> {
  ready: Promise<T>;
  leave: () => void;
}

/** Updates one by one, the newest per session: `for await` over it, or `take()` them when `onPending` calls. */
export class Subscription<T> implements AsyncIterable<Update> {
  /** Where updates begin: the session's version (null while it is deleted), or a position among many. */
  readonly ready: Promise<T>;
  readonly #mailbox: Mailbox;
  readonly #leave: () => void;
  readonly #signal: AbortSignal | undefined;
  readonly #close = (): void => this.close();
  #closed = false;

  constructor(signal: AbortSignal | undefined, register: (mailbox: Mailbox) => Registration<T>) {
    this.#mailbox = new Mailbox(noWaiter);
    const { ready, leave } = register(this.#mailbox);
    this.ready = ready;
    // The loop reports the failure, too; without this handler it would count as unhandled.
    ready.catch(this.#close);
    this.#leave = leave;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#close, { once: true });
    if (signal?.aborted === true) this.close();
  }

  /** @returns the next update and where it stands, or undefined when nothing is pending. */
  take(): Delivery | undefined {
    return this.#closed ? undefined : this.#mailbox.take();
  }

  /** Calls `notify` whenever something may be pending, and at the end. Only the last one given is called. */
  onPending(notify: () => void): void {
    this.#mailbox.onPut = notify;
    if (this.#closed) notify();
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#signal?.removeEventListener("abort", this.#close);
    this.#leave();
    this.#mailbox.onPut();
  }

  /** Not a generator: its `return()` would wait for a `next()` that may never come. */
  [Symbol.asyncIterator](): AsyncIterator<Update, void> {
    let last: Promise<unknown> = Promise.resolve();
    return {
      next: () => {
        // In order, even if the one before failed.
        const next = last.then(
          () => this.#next(),
          () => this.#next(),
        );
        last = next;
        return next;
      },
      return: async () => {
        this.close();
        return { done: true, value: undefined };
      },
    };
  }

  async #next(): Promise<IteratorResult<Update, void>> {
    await this.ready;
    while (!this.#closed) {
      const delivery = this.#mailbox.take();
      if (delivery !== undefined) return { done: false, value: delivery.update };
      await new Promise<void>((resolve) => this.onPending(resolve));
    }
    return { done: true, value: undefined };
  }
}

/** No reader waits yet: `take()` finds what is pending. */
function noWaiter(): void {}
