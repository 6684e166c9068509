/** The one thing in a process that notices changes and hands them to all subscribers. */

import type { Clock } from "../async/clock.ts";
import { sessionNotFound } from "../errors.ts";
import type { StatusEvent } from "../session/events.ts";
import { matches } from "../session/filter.ts";
import type { Selection } from "../session/filter.ts";
import type { SessionId, SessionVersion, Version } from "../session/session.ts";
import { Arrivals, isKnown } from "./arrivals.ts";
import type { Arrival, Wanted } from "./arrivals.ts";
import { ChangeLog } from "./change-log.ts";
import type { KnownSession } from "./change-log.ts";
import type { Cursor } from "./cursor.ts";
import { Fallback } from "./fallback.ts";
import type { Delivery, Mailbox } from "./mailbox.ts";
import { Poller } from "./polling/poller.ts";
import type { Circumstances, Observation, Reader } from "./polling/poller.ts";
import type { Read } from "./polling/polling-state.ts";
import type { Engine, Store } from "./ports.ts";
import { SessionTracker } from "./session-tracker.ts";
import { baseline } from "./step.ts";
import { Subscribers } from "./subscribers.ts";
import type { Followed, Subscriber } from "./subscribers.ts";
import type { Registration } from "./subscription.ts";

export interface FeedOptions {
  pollIntervalMs: number;
  syncDelayMs: number;
  /** Names this run of the feed: sequences of another run mean nothing here. */
  epoch: string;
  /** A direct sync failed; it is tried again. */
  onSyncError: (id: SessionId, error: unknown) => void;
  /** A look at the archive took this long (ms). */
  onLook: (ms: number) => void;
}

/** Where a subscriber of many sessions begins. */
export interface Position {
  cursor: Cursor;
  /** The subscriber's cursor has another epoch: the feed cannot know what it has missed. */
  isReset: boolean;
}

/** What a feed has done so far, and what it is doing. */
export interface FeedFigures {
  /** Changes, each counted once however many subscribers there are. */
  updates: number;
  /** Updates that were replaced by a newer one before a subscriber took them. */
  coalesced: number;
  subscribers: number;
  isDegraded: boolean;
}

/** How many sessions that were never seen may be followed at once: each costs a read like any other. */
export const UNSEEN_MAX = 1000;

export class Feed implements Reader {
  readonly #clock: Clock;
  readonly #options: FeedOptions;
  readonly #subscribers = new Subscribers();
  readonly #sessions = new ChangeLog();
  readonly #tracker: SessionTracker;
  readonly #arrivals = new Arrivals();
  readonly #poller: Poller;
  /** None in read-only mode. */
  readonly #fallback: Fallback | null;

  constructor(store: Store, engine: Engine | undefined, clock: Clock, options: FeedOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#tracker = new SessionTracker(this.#sessions, this.#subscribers, clock, options.syncDelayMs);
    this.#poller = new Poller(store, clock, options.pollIntervalMs, this);
    this.#fallback =
      engine === undefined
        ? null
        : new Fallback(engine, {
            decide: ({ known }, source) => this.#tracker.decide(known, source),
            onSynced: (id) => this.hint([id]),
            onError: options.onSyncError,
          });
  }

  get figures(): FeedFigures {
    const { size, coalesced } = this.#subscribers;
    return {
      updates: this.#tracker.updates,
      coalesced,
      subscribers: size,
      isDegraded: this.#poller.degraded !== null,
    };
  }

  /** Registers `mailbox` for one session. If its version is not `since`, the first update says so. */
  follow(id: SessionId, mailbox: Mailbox, since: Version | undefined): Registration<SessionVersion | null> {
    const known = this.#sessions.meet(id);
    const isUpToDate = (): boolean => since === undefined || since === known.state?.version;
    return this.#register(mailbox, { sessions: [id], filter: {} }, isUpToDate, {
      join: (subscriber) => {
        if (since === undefined && known.row === null) throw sessionNotFound(id);
        if (!isUpToDate()) this.#subscribers.hand(subscriber, this.#tracker.lastOf(known));
        return known.row;
      },
      position: () => known.row,
    });
  }

  /** Registers `mailbox` for many sessions; those that have changed after `since` are its first updates. */
  followMany(selection: Selection, mailbox: Mailbox, since: Cursor | undefined): Registration<Position> {
    return this.#register(mailbox, selection, () => true, {
      join: (subscriber, wanted) => this.#joinMany(subscriber, wanted, since),
      position: () => this.#position(since),
    });
  }

  /** Looks at these sessions now, or at everything that is followed (null): they may have changed. */
  hint(ids: readonly SessionId[] | null): void {
    this.#poller.hint(ids);
  }

  #register<T>(
    mailbox: Mailbox,
    { sessions, filter }: Selection,
    isUpToDate: () => boolean,
    begin: { join: (subscriber: Subscriber, wanted: Wanted) => T; position: () => T },
  ): Registration<T> {
    const { promise: ready, resolve, reject } = Promise.withResolvers<T>();
    const known = sessions === "all" ? sessions : [...new Set(sessions)].map((id) => this.#sessions.meet(id));
    const [subscriber, followed] = this.#subscribers.enter(mailbox, filter, known);
    const wanted = sessions === "all" ? sessions : followed;
    const arrival: Arrival = {
      subscriber,
      wanted,
      isAsked: false,
      isUpToDate,
      join: () => {
        subscriber.isJoined = true;
        try {
          resolve(begin.join(subscriber, wanted));
        } catch (error) {
          reject(error);
        }
        this.#notifyOfOutage(subscriber);
      },
      beginLater: () => {
        resolve(begin.position());
        this.#notifyOfOutage(subscriber);
      },
      fail: reject,
    };
    this.#poller.follow(this.#subscribers.following);
    if (isKnown(wanted, this.#poller.isComplete) && isUpToDate()) {
      arrival.join();
    } else {
      this.#arrivals.add(arrival);
      this.#poller.arrive();
    }
    return {
      ready,
      leave: () => {
        this.#arrivals.delete(arrival);
        this.#subscribers.leave(subscriber);
        this.#forget(this.#subscribers.unfollow(subscriber, followed));
        this.#poller.follow(this.#subscribers.following);
        resolve(begin.position());
      },
    };
  }

  #joinMany(subscriber: Subscriber, wanted: Wanted, since: Cursor | undefined): Position {
    const position = this.#position(since);
    if (since !== undefined && !position.isReset)
      for (const known of this.#missed(wanted, since.sequence))
        if (matches(subscriber.filter, known.traits))
          this.#subscribers.hand(subscriber, this.#tracker.lastOf(known));
    const gone = wanted === "all" ? [] : wanted.filter(({ known }) => known.row === null);
    if (since === undefined && gone[0] !== undefined) throw sessionNotFound(gone[0].known.id);
    // A client may resume sessions that were deleted meanwhile; but clients can make up ids and cursors.
    const unseen = gone.filter(isUnseen);
    if (unseen.length > 0 && this.#subscribers.count(isUnseen) > UNSEEN_MAX)
      this.#forget(this.#subscribers.unfollow(subscriber, unseen));
    return position;
  }

  #position(since: Cursor | undefined): Position {
    const { epoch } = this.#options;
    const { sequence } = this.#sessions;
    const isReset = since !== undefined && (since.epoch !== epoch || since.sequence > sequence);
    return { cursor: { epoch, sequence }, isReset };
  }

  #missed(wanted: Wanted, sequence: number): KnownSession[] {
    if (wanted === "all") return this.#sessions.changedSince(sequence);
    return wanted
      .map(({ known }) => known)
      .filter((known) => known.sequence > sequence)
      .sort((a, b) => a.sequence - b.sequence);
  }

  /** These sessions have no subscribers any more. The next one starts from what was last read. */
  #forget(sessions: readonly KnownSession[]): void {
    for (const known of sessions) {
      if (known.state !== null) known.state = baseline(known.row);
      this.#sessions.forgetUnseen(known);
    }
  }

  // For the poller.

  idsFor(read: Read & { ask: "arrivals" | "followed" | "sessions" }): readonly SessionId[] {
    if (read.ask === "arrivals") return this.#arrivals.ask().map(idOf);
    if (read.ask === "sessions" && this.#poller.isComplete) return read.ids;
    const followed =
      read.ask === "sessions" ? this.#subscribers.among(read.ids) : [...this.#subscribers.followed()];
    return followed.filter(({ isRead }) => isRead).map(idOf);
  }

  hasArrivals(): boolean {
    return this.#arrivals.size > 0;
  }

  countPresent(): number {
    return this.#sessions.countPresent();
  }

  observe(observation: Observation): void {
    switch (observation.kind) {
      case "rows":
        for (const id of observation.ids) this.#seeRow(id, observation.rows.get(id) ?? null, observation);
        return;
      case "changes":
        return this.#tracker.seeAll(observation.changes, observation);
      case "known":
        return this.#arrivals.settle(this.#poller.isComplete);
      case "status":
        return this.#subscribers.notifyAll(this.#statusDelivery(observation.status));
      case "failed":
        return this.#arrivals.fail(observation.error, this.#poller.isComplete);
      case "looked":
        return this.#options.onLook(observation.ms);
      case "polled":
        return this.#fallback?.lookAtAll(this.#subscribers);
    }
  }

  #seeRow(id: SessionId, row: SessionVersion | null, circumstances: Circumstances): void {
    const followed = this.#subscribers.get(id);
    // Sessions without subscribers matter only while some subscriber follows all of them.
    if (followed === undefined && circumstances.isNews) this.#tracker.see(id, row, circumstances);
    if (followed === undefined) return;
    // Stores return the same object for a row that was not written since: most of thousands.
    if (followed.isRead && row !== null && row === followed.known.row) return;
    const isFirst = !followed.isRead;
    followed.isRead = true;
    this.#tracker.see(id, row, circumstances);
    if (isFirst) void this.#fallback?.lookAt(followed);
  }

  #notifyOfOutage(subscriber: Subscriber): void {
    const { degraded } = this.#poller;
    if (degraded !== null) this.#subscribers.hand(subscriber, this.#statusDelivery(degraded));
  }

  #statusDelivery(update: StatusEvent): Delivery {
    return { update, sequence: null, born: 0, noticedMs: this.#clock.now() };
  }
}

function idOf({ known }: Followed): SessionId {
  return known.id;
}

function isUnseen({ known }: Followed): boolean {
  return known.sequence === 0;
}
