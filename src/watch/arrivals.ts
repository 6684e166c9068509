/** New subscribers, while they wait for their sessions to be read. */

import type { Followed, Subscriber } from "./subscribers.ts";

/** What a subscriber follows: sessions by their ids, or all of them. */
export type Wanted = readonly Followed[] | "all";

export interface Arrival {
  readonly subscriber: Subscriber;
  readonly wanted: Wanted;
  /** The read that it waits for has begun. */
  isAsked: boolean;
  /** Whether the client's version equals the feed's. If not, either may be outdated, and a new read decides. */
  isUpToDate(): boolean;
  /** Its sessions are known: it gets every later change. */
  join(): void;
  /** The archive cannot be read, but its sessions are known: the stream starts now, and updates follow. */
  beginLater(): void;
  fail(error: unknown): void;
}

export class Arrivals {
  readonly #waiting = new Set<Arrival>();

  get size(): number {
    return this.#waiting.size;
  }

  add(arrival: Arrival): void {
    this.#waiting.add(arrival);
  }

  delete(arrival: Arrival): void {
    this.#waiting.delete(arrival);
  }

  /** Begins a read for all of them. @returns the sessions to read. */
  ask(): Followed[] {
    const sessions = new Set<Followed>();
    for (const arrival of this.#waiting) {
      arrival.isAsked = true;
      if (arrival.wanted === "all") continue;
      const isStale = !arrival.isUpToDate();
      for (const followed of arrival.wanted) if (isStale || !followed.isRead) sessions.add(followed);
    }
    return [...sessions];
  }

  /** Lets subscribers join whose sessions are known. @param isComplete whether all sessions are. */
  settle(isComplete: boolean): void {
    for (const arrival of this.#waiting) {
      if (!isKnown(arrival.wanted, isComplete) || !(arrival.isAsked || arrival.isUpToDate())) continue;
      this.#waiting.delete(arrival);
      arrival.join();
    }
  }

  /** Reports the failure now: waiting for the next one helps no subscriber. */
  fail(error: unknown, isComplete: boolean): void {
    for (const arrival of this.#waiting) {
      if (isKnown(arrival.wanted, isComplete)) {
        arrival.isAsked = false;
        arrival.beginLater();
      } else {
        this.#waiting.delete(arrival);
        arrival.fail(error);
      }
    }
  }
}

export function isKnown(wanted: Wanted, isComplete: boolean): boolean {
  return wanted === "all" ? isComplete : wanted.every(({ isRead }) => isRead);
}
