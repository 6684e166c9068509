/** Holds what a subscriber has not taken yet: at most one update per session, however slow it is. */

import type { Update } from "../session/events.ts";
import type { SessionId } from "../session/session.ts";

/** An update on its way; the same object goes to everyone, so that it can be encoded once. */
export interface Delivery {
  update: Update;
  /** Its place among all changes of sessions that the feed has told; null for what is no session's. */
  sequence: number | null;
  /** The sequence with which its session came, or was first seen: those who have read less do not know of it. */
  born: number;
  /** When (ms) there was the first sign of it. */
  noticedMs: number;
}

export class Mailbox {
  /** Called after each delivery that leaves something to take. */
  onPut: () => void;
  /** Most subscribers follow one session: they need no map. Where there is one, all that is pending is in it. */
  #only: Delivery | null = null;
  #pending: Map<SessionId, Delivery> | null = null;
  /** What the subscriber was last told of the archive, and what it should be told next. */
  #toldDegraded = false;
  #status: Delivery | null = null;

  constructor(onPut: () => void) {
    this.onPut = onPut;
  }

  /** @returns whether it took the place of an older one of the same session, which will never be taken. */
  put(delivery: Delivery): boolean {
    const { event } = delivery.update;
    let isReplaced = false;
    if (event === "degraded" || event === "recovered") {
      // A failure that is over before the subscriber heard of it is no news.
      const news = (event === "degraded") !== this.#toldDegraded;
      this.#status = news ? delivery : null;
    } else {
      isReplaced = this.#putSession(delivery);
    }
    if (this.#status !== null || this.#only !== null || this.#pending !== null) this.onPut();
    return isReplaced;
  }

  /** @returns the next delivery, the archive's status before any session's; undefined when there is none. */
  take(): Delivery | undefined {
    if (this.#status !== null) {
      const status = this.#status;
      this.#status = null;
      this.#toldDegraded = status.update.event === "degraded";
      return status;
    }
    if (this.#only !== null) {
      const only = this.#only;
      this.#only = null;
      return only;
    }
    for (const [id, delivery] of this.#pending ?? []) {
      this.#pending?.delete(id);
      if (this.#pending?.size === 0) this.#pending = null;
      return delivery;
    }
    return undefined;
  }

  #putSession(delivery: Delivery): boolean {
    const id = delivery.update.data;
    if (this.#pending === null) {
      const isReplaced = this.#only?.update.data === id;
      if (this.#only === null || isReplaced) {
        this.#only = delivery;
        return isReplaced;
      }
      this.#pending = new Map([[this.#only.update.data, this.#only]]);
      this.#only = null;
    }
    // Delete first: a Map keeps the place of the first insertion, and what is taken must go up in sequence.
    const isReplaced = this.#pending.delete(id);
    this.#pending.set(id, delivery);
    return isReplaced;
  }
}
