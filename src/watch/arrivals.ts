/** Subscribers that wait to be told where they begin: their sessions have to be read first. */

import type { Followed, Subscriber } from "./subscribers.ts";

/** What a subscriber follows: sessions by their ids, or all of them. */
export type Wanted = readonly Followed[] | "all";

export interface Arrival {
  readonly subscriber: Subscriber;
  readonly wanted: Wanted;
  /** The read that decides about it has begun. */
  isAsked: boolean;
  /** Whether what is known already will do; else a read that begins after the arrival decides. */
  isUpToDate(): boolean;
  /** Its sessions are known, and later changes are told to it. */
  join(): void;
  /** It hears nothing for now, but stays: the archive cannot be read, and its sessions were read before. */
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

  /** A read for all who wait begins now. @returns the sessions that it has to read. */
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

  /** Lets those join whose sessions are known by now. @param isComplete whether all sessions are. */
  settle(isComplete: boolean): void {
    for (const arrival of this.#waiting) {
      if (!isKnown(arrival.wanted, isComplete) || !(arrival.isAsked || arrival.isUpToDate())) continue;
      this.#waiting.delete(arrival);
      arrival.join();
    }
  }

  /** Nobody is to wait for the next failure. */
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
