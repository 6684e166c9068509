/** The subscribers: of single sessions, and of all sessions. */

import type { KnownSession } from "./change-log.ts";
import type { Delivery, Mailbox } from "./mailbox.ts";
import type { Following } from "./polling/polling-state.ts";
import { matches } from "../session/filter.ts";
import type { Filter } from "../session/filter.ts";
import type { SessionId } from "../session/session.ts";

export interface Subscriber {
  mailbox: Mailbox;
  filter: Filter;
  /** It receives changes only after it has joined. */
  isJoined: boolean;
}

/** A session with subscribers of its own. */
export interface Followed {
  known: KnownSession;
  subscribers: Set<Subscriber>;
  /** It was read since its first subscriber came: the feed sees every later change. */
  isRead: boolean;
  /** Its transcript is being checked or synced: not twice at once. */
  isBusy: boolean;
}

export class Subscribers {
  readonly #followed = new Map<SessionId, Followed>();
  /** Subscribers of all sessions. */
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

  /** @returns those of the sessions that have subscribers of their own. */
  among(ids: readonly SessionId[]): Followed[] {
    return ids.flatMap((id) => this.#followed.get(id) ?? []);
  }

  /** @returns how many followed sessions match. */
  count(isSuch: (followed: Followed) => boolean): number {
    let count = 0;
    for (const followed of this.#followed.values()) if (isSuch(followed)) count += 1;
    return count;
  }

  /** @returns the next `count` followed sessions, going round; all of them if there are no more. */
  inTurn(count: number): Followed[] {
    if (this.#followed.size <= count) return [...this.#followed.values()];
    const turn: Followed[] = [];
    while (turn.length < count) {
      // A Map's iterator stays valid while sessions come and go.
      const next = this.#round.next();
      if (next.done === true) this.#round = this.#followed.values();
      else turn.push(next.value);
    }
    return turn;
  }

  /** Adds a subscriber of these sessions. */
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

  /** @returns the sessions that have no subscriber left. */
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

  /** Notifies the subscribers of the session. */
  notify({ id, traits, formerTraits }: KnownSession, delivery: Delivery): void {
    for (const subscribers of [this.#followed.get(id)?.subscribers ?? NOBODY, this.#everyone]) {
      for (const subscriber of subscribers)
        if (
          subscriber.isJoined &&
          (matches(subscriber.filter, traits) || matches(subscriber.filter, formerTraits))
        )
          this.hand(subscriber, delivery);
    }
  }

  /** Notifies every subscriber of an event that is about no session. */
  notifyAll(delivery: Delivery): void {
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
