/** Who is told of changes: those who follow single sessions, and those who follow them all. */

import type { KnownSession } from "./change-log.ts";
import type { Delivery, Mailbox } from "./mailbox.ts";
import type { Following } from "./polling/polling-state.ts";
import { matches } from "../session/filter.ts";
import type { Filter } from "../session/filter.ts";
import type { SessionId } from "../session/session.ts";

/** Somebody who is told. */
export interface Subscriber {
  mailbox: Mailbox;
  filter: Filter;
  /** What it is told differs from what it knows; until it has joined, that is not certain. */
  isJoined: boolean;
}

/** A session that somebody follows by its id. */
export interface Followed {
  known: KnownSession;
  subscribers: Set<Subscriber>;
  /** It was read since somebody follows it: every later change is seen. */
  isRead: boolean;
  /** Its transcript is being looked at or synced: not to be done twice at once. */
  isBusy: boolean;
}

export class Subscribers {
  readonly #followed = new Map<SessionId, Followed>();
  /** Those who follow all sessions. */
  readonly #everyone = new Set<Subscriber>();
  readonly #subscribers = new Set<Subscriber>();
  #round = this.#followed.values();
  #coalesced = 0;

  get size(): number {
    return this.#subscribers.size;
  }

  /** Updates that were never taken, because a newer one of the same session came first. */
  get coalesced(): number {
    return this.#coalesced;
  }

  get following(): Following {
    if (this.#everyone.size > 0) return "all";
    return this.size > 0 ? "some" : "nothing";
  }

  followed(): IterableIterator<Followed> {
    return this.#followed.values();
  }

  get(id: SessionId): Followed | undefined {
    return this.#followed.get(id);
  }

  /** @returns those of the sessions that are followed. */
  among(ids: readonly SessionId[]): Followed[] {
    return ids.flatMap((id) => this.#followed.get(id) ?? []);
  }

  /** @returns how many of the sessions that are followed are such. */
  count(isSuch: (followed: Followed) => boolean): number {
    let count = 0;
    for (const followed of this.#followed.values()) if (isSuch(followed)) count += 1;
    return count;
  }

  /** @returns the next `count` of the sessions that are followed, going round; all of them if there are no more. */
  inTurn(count: number): Followed[] {
    if (this.#followed.size <= count) return [...this.#followed.values()];
    const turn: Followed[] = [];
    while (turn.length < count) {
      // Unlike a list's, a Map's iterator goes on rightly while sessions come and go.
      const next = this.#round.next();
      if (next.done === true) this.#round = this.#followed.values();
      else turn.push(next.value);
    }
    return turn;
  }

  /** Follows these sessions from now on. */
  enter(
    mailbox: Mailbox,
    filter: Filter,
    sessions: readonly KnownSession[] | "all",
  ): [Subscriber, Followed[]] {
    const subscriber = { mailbox, filter, isJoined: false };
    this.#subscribers.add(subscriber);
    if (sessions === "all") {
      this.#everyone.add(subscriber);
      return [subscriber, []];
    }
    const followed = sessions.map((known) => this.#followedOf(known));
    for (const { subscribers } of followed) subscribers.add(subscriber);
    return [subscriber, followed];
  }

  leave(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
    this.#everyone.delete(subscriber);
  }

  /** @returns those of the sessions that nobody follows any more. */
  unfollow(subscriber: Subscriber, sessions: readonly Followed[]): KnownSession[] {
    const left: KnownSession[] = [];
    for (const followed of sessions) {
      const { known, subscribers } = followed;
      subscribers.delete(subscriber);
      if (subscribers.size > 0 || this.#followed.get(known.id) !== followed) continue;
      this.#followed.delete(known.id);
      left.push(known);
    }
    return left;
  }

  /** Tells those who follow the session. */
  tell({ id, traits, formerTraits }: KnownSession, delivery: Delivery): void {
    for (const subscribers of [this.#followed.get(id)?.subscribers ?? NOBODY, this.#everyone]) {
      for (const subscriber of subscribers)
        if (
          subscriber.isJoined &&
          (matches(subscriber.filter, traits) || matches(subscriber.filter, formerTraits))
        )
          this.hand(subscriber, delivery);
    }
  }

  /** Tells everybody what is no single session's. */
  tellAll(delivery: Delivery): void {
    for (const subscriber of this.#subscribers) this.hand(subscriber, delivery);
  }

  hand({ mailbox }: Subscriber, delivery: Delivery): void {
    if (mailbox.put(delivery)) this.#coalesced += 1;
  }

  #followedOf(known: KnownSession): Followed {
    const followed = this.#followed.get(known.id) ?? {
      known,
      subscribers: new Set(),
      isRead: false,
      isBusy: false,
    };
    this.#followed.set(known.id, followed);
    return followed;
  }
}

const NOBODY: ReadonlySet<Subscriber> = new Set();
