/** Holds what a subscriber has not taken yet: at most one update per session, however slow it is. */

import type { SessionEvent, SessionId, StatusEvent, Update } from "./session.ts";

export class Mailbox {
  readonly #pending = new Map<SessionId, SessionEvent>();
  /** What the subscriber was last told of the archive, and what it should be told next. */
  #toldDegraded = false;
  #status: StatusEvent | null = null;
  readonly #onPut: () => void;

  /** @param onPut called after each update that leaves something to take. */
  constructor(onPut: () => void) {
    this.#onPut = onPut;
  }

  put(update: Update): void {
    if (update.event === "degraded" || update.event === "recovered") {
      // A failure that is over before the subscriber heard of it is no news.
      const news = (update.event === "degraded") !== this.#toldDegraded;
      this.#status = news ? update : null;
    } else {
      // Delete first: a Map keeps the place of the first insertion, and the newest change belongs last.
      this.#pending.delete(update.data);
      this.#pending.set(update.data, update);
    }
    if (this.#status !== null || this.#pending.size > 0) this.#onPut();
  }

  /** @returns the next update, the archive's status before any session's; undefined when there is none. */
  take(): Update | undefined {
    if (this.#status !== null) {
      const status = this.#status;
      this.#status = null;
      this.#toldDegraded = status.event === "degraded";
      return status;
    }
    for (const [id, update] of this.#pending) {
      this.#pending.delete(id);
      return update;
    }
    return undefined;
  }
}
