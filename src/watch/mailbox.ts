/** Holds pending updates of one subscriber: at most one per session, however slow the subscriber is. */

import type { Update } from "../session/events.ts";
import type { SessionId } from "../session/session.ts";

/** An update on its way; all subscribers get the same object, so that it is encoded once. */
export interface Delivery {
  update: Update;
  /** Sequence of the change; null for an event that is about no session. */
  sequence: number | null;
  /** Sequence that created its session, or of its first sight: readers with a lower cursor do not know the session. */
  born: number;
  /** When (ms) the first sign of it came. */
  noticedMs: number;
}

export class Mailbox {
  /** Called after each delivery, if something is pending. */
  onPut: () => void;
  /** Most subscribers follow one session and need no map. If there is a map, it holds everything. */
  #only: Delivery | null = null;
  #pending: Map<SessionId, Delivery> | null = null;
  /** What the subscriber knows of the archive's status, and the pending change of it. */
  #knowsDegraded = false;
  #status: Delivery | null = null;

  constructor(onPut: () => void) {
    this.onPut = onPut;
  }

  /** @returns whether it replaced a pending update of the same session. */
  put(delivery: Delivery): boolean {
    const { event } = delivery.update;
    let isReplaced = false;
    if (event === "degraded" || event === "recovered") {
      // An outage that ends before the subscriber takes it is no news.
      const news = (event === "degraded") !== this.#knowsDegraded;
      this.#status = news ? delivery : null;
    } else {
      isReplaced = this.#putSession(delivery);
    }
    if (this.#status !== null || this.#only !== null || this.#pending !== null) this.onPut();
    return isReplaced;
  }

  /** @returns the next delivery, a status first; undefined if nothing is pending. */
  take(): Delivery | undefined {
    if (this.#status !== null) {
      const status = this.#status;
      this.#status = null;
      this.#knowsDegraded = status.update.event === "degraded";
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
    // Delete first: a Map keeps the place of the first insertion, and sequences must go up.
    const isReplaced = this.#pending.delete(id);
    this.#pending.set(id, delivery);
    return isReplaced;
  }
}
