/** The one thing in a process that notices changes and hands them to all subscribers. */

import { sessionNotFound } from "../errors.ts";
import { Audience } from "./subscribers.ts";
import type { Followed, Subscriber } from "./subscribers.ts";
import type { Cursor } from "./cursor.ts";
import { Fallback } from "./fallback.ts";
import { KnownSessions } from "./change-log.ts";
import type { Known } from "./change-log.ts";
import { Lookout } from "./polling/poller.ts";
import type { Wanted } from "./polling/poller.ts";
import type { Delivery, Mailbox } from "./mailbox.ts";
import type { Clock } from "../async/clock.ts";
import type { Engine, Store } from "./ports.ts";
import { matches } from "../session/filter.ts";
import type { Selection } from "../session/filter.ts";
import { eventFor } from "../session/events.ts";
import { DELETED } from "../session/session.ts";
import type { StatusEvent } from "../session/events.ts";
import type { SessionId, SessionState, SourceToken, Version } from "../session/session.ts";
import { baseline, step } from "./step.ts";
import type { Step } from "./step.ts";
import type { Registration } from "./subscription.ts";

export interface FeedOptions {
  pollIntervalMs: number;
  syncDelayMs: number;
  /** Of this life of the feed: sequences of another one mean nothing here. */
  epoch: string;
  /** A direct sync failed; it will be tried again. */
  onSyncError: (id: SessionId, error: unknown) => void;
  /** The archive was asked what has changed; it took so long (ms). */
  onLook: (ms: number) => void;
}

/** From where on a subscriber of many sessions is told of changes. */
export interface Position {
  cursor: Cursor;
  /** The cursor that it came with is from another life of the feed: what it has missed cannot be told. */
  isReset: boolean;
}

/** Somebody who came with another version than the feed knew. */
interface Undecided {
  known: Known;
  since: Version;
  /** How many looks had begun by then. */
  looks: number;
}

/** What a feed has done so far, and what it is doing. */
export interface FeedFigures {
  /** Changes that were told, whatever the number of subscribers. */
  updates: number;
  /** Updates that were never taken, because a newer one of the same session came first. */
  coalesced: number;
  subscribers: number;
  isDegraded: boolean;
}

/** Sessions that nobody has ever seen cost a read like any other: so many of them are followed at once. */
export const UNSEEN_MAX = 1000;

export class Feed {
  readonly #clock: Clock;
  readonly #options: FeedOptions;
  readonly #sessions = new KnownSessions();
  readonly #audience = new Audience();
  readonly #lookout: Lookout;
  /** None in read-only mode. */
  readonly #fallback: Fallback | null;
  /** Those who know something else than the feed: either may be the one who is late. */
  readonly #undecided = new Map<Subscriber, Undecided>();
  #updates = 0;

  constructor(store: Store, engine: Engine | undefined, clock: Clock, options: FeedOptions) {
    const { pollIntervalMs, onLook, onSyncError } = options;
    this.#clock = clock;
    this.#options = options;
    this.#lookout = new Lookout({
      store,
      clock,
      pollIntervalMs,
      followed: () => this.#audience.followed(),
      followedAmong: (ids) => this.#audience.followedAmong(ids),
      wantsAll: () => this.#audience.wantsAll,
      onSession: (id, row, isNews) => {
        if (row !== null || this.#sessions.has(id)) this.#see(this.#sessions.meet(id), row, isNews);
        else if (isNews) this.#seePassing(this.#sessions.meet(id));
      },
      countPresent: () => this.#sessions.countPresent(),
      onComplete: (states) => {
        for (const known of this.#sessions)
          if (known.row !== null && !states.has(known.id)) this.#see(known, null, true);
      },
      onStatus: (status) => this.#audience.tellAll(this.#statusDelivery(status)),
      onLooked: (look) => this.#decideAll(look),
      onPoll: () => this.#fallback?.lookAtAll(this.#audience),
      onLook,
    });
    const decide = ({ known }: { known: Known }, source: SourceToken | null): Step["action"] =>
      this.#decide(known, source);
    const wake = (): Promise<void> => this.wake();
    this.#fallback =
      engine === undefined ? null : new Fallback({ engine, decide, wake, onError: onSyncError });
  }

  get figures(): FeedFigures {
    const { size, coalesced } = this.#audience;
    return {
      updates: this.#updates,
      coalesced,
      subscribers: size,
      isDegraded: this.#lookout.outage !== null,
    };
  }

  /** Registers `mailbox` for one session; what it does not know of `since` is its first update. */
  follow(id: SessionId, mailbox: Mailbox, since: Version | undefined): Registration<SessionState | null> {
    const selection = { sessions: [id], filter: {} };
    return this.#register(selection, mailbox, (subscriber, wanted) =>
      this.#joinOne(subscriber, wanted, this.#sessions.meet(id), since),
    );
  }

  /** Registers `mailbox` for many sessions; what has changed after `since` are its first updates. */
  followMany(selection: Selection, mailbox: Mailbox, since: Cursor | undefined): Registration<Position> {
    return this.#register(selection, mailbox, (subscriber, wanted) =>
      this.#joinMany(subscriber, wanted, since),
    );
  }

  /** Looks at the archive now: for callers who know that it has changed. */
  wake(): Promise<void> {
    return this.#lookout.wake();
  }

  #register<T>(
    { sessions, filter }: Selection,
    mailbox: Mailbox,
    join: (subscriber: Subscriber, wanted: Wanted) => Promise<T>,
  ): Registration<T> {
    this.#lookout.start();
    const known = sessions === "all" ? sessions : [...new Set(sessions)].map((id) => this.#sessions.meet(id));
    const [subscriber, followed] = this.#audience.enter(mailbox, filter, known);
    return {
      ready: join(subscriber, sessions === "all" ? "all" : followed),
      leave: () => {
        this.#audience.leave(subscriber);
        this.#undecided.delete(subscriber);
        this.#forget(this.#audience.unfollow(subscriber, followed));
        if (!this.#audience.wantsAll) this.#lookout.forgetAll();
        if (this.#audience.size === 0) this.#lookout.stop();
      },
    };
  }

  /** Nobody follows these any more. */
  #forget(sessions: readonly Known[]): void {
    for (const known of sessions) {
      // Whoever comes back begins anew, but for what others know of it.
      if (known.state !== null) known.state = baseline(known.row);
      this.#sessions.forgetUnseen(known);
    }
  }

  async #joinOne(
    subscriber: Subscriber,
    wanted: Wanted,
    known: Known,
    since: Version | undefined,
  ): Promise<SessionState | null> {
    await this.#read(wanted, () => {
      subscriber.isJoined = since === undefined || since === known.state?.version;
    });
    if (since !== undefined && !subscriber.isJoined) {
      // The archive decides, now or as soon as it can be read.
      this.#undecided.set(subscriber, { known, since, looks: this.#lookout.looks });
      await this.wake();
    } else if (since === undefined && known.row === null) {
      throw sessionNotFound(known.id);
    }
    this.#tellOutage(subscriber);
    return known.row;
  }

  #decideAll(look: number): void {
    for (const [subscriber, { known, since, looks }] of this.#undecided) {
      // What that look saw may be older than what the subscriber knows.
      if (look <= looks) continue;
      this.#undecided.delete(subscriber);
      if (since !== known.state?.version) this.#audience.hand(subscriber, this.#lastOf(known));
      subscriber.isJoined = true;
    }
  }

  async #joinMany(subscriber: Subscriber, wanted: Wanted, since: Cursor | undefined): Promise<Position> {
    const { epoch } = this.#options;
    let sequence = 0;
    let isReset = false;
    await this.#read(wanted, () => {
      ({ sequence } = this.#sessions);
      isReset = since !== undefined && (since.epoch !== epoch || since.sequence > sequence);
      subscriber.isJoined = true;
      if (since === undefined || isReset) return;
      for (const known of this.#missed(wanted, since.sequence))
        if (matches(subscriber.filter, known.traits)) this.#audience.hand(subscriber, this.#lastOf(known));
    });
    const gone = wanted === "all" ? [] : wanted.filter(({ known }) => known.row === null);
    if (since === undefined && gone[0] !== undefined) throw sessionNotFound(gone[0].known.id);
    // Whoever comes back may follow what was deleted meanwhile; but anybody can make up ids, and say to come back.
    const unseen = gone.filter(isUnseen);
    if (unseen.length > 0 && this.#audience.count(isUnseen) > UNSEEN_MAX)
      this.#forget(this.#audience.unfollow(subscriber, unseen));
    this.#tellOutage(subscriber);
    return { cursor: { epoch, sequence }, isReset };
  }

  #missed(wanted: Wanted, sequence: number): Known[] {
    if (wanted === "all") return this.#sessions.changedSince(sequence);
    return wanted
      .map(({ known }) => known)
      .filter((known) => known.sequence > sequence)
      .sort((a, b) => a.sequence - b.sequence);
  }

  async #read(wanted: Wanted, onRead: () => void): Promise<void> {
    const unread = wanted === "all" ? [] : wanted.filter(({ isRead }) => !isRead);
    await this.#lookout.read(wanted, onRead);
    for (const followed of unread) void this.#fallback?.lookAt(followed);
  }

  /** @param isNews a session that was not known before was not there before. */
  #see(known: Known, row: SessionState | null, isNews: boolean): void {
    known.row = row;
    known.formerTraits = known.traits;
    if (row !== null) known.traits = row;
    if (known.state === null && row !== null && !isNews) this.#sessions.noteChange(known, true);
    known.state ??= baseline(isNews ? null : row);
    this.#decide(known, undefined);
  }

  /** It came and went between two looks: who has seen it in a list, which may be newer than the last look, is told. */
  #seePassing(known: Known): void {
    known.state = baseline(null);
    this.#tell(known, false);
  }

  #decide(known: Known, source: SourceToken | null | undefined): Step["action"] {
    if (known.state === null) return "wait";
    const nowMs = this.#clock.now();
    const sighting = { nowMs, row: known.row, source };
    const { action, state } = step(known.state, sighting, this.#options.syncDelayMs);
    const wasGone = known.state.version === DELETED;
    known.state = state;
    if (action !== "emit") return action;
    this.#tell(known, wasGone);
    return action;
  }

  /** @param isNew it was not there before. */
  #tell(known: Known, isNew: boolean): void {
    this.#updates += 1;
    this.#sessions.noteChange(known, isNew);
    this.#audience.tell(known, this.#lastOf(known));
  }

  /** The same object goes to everyone, also to those who come back later. */
  #lastOf(known: Known): Delivery {
    const { sequence, born } = known;
    if (known.told?.sequence !== sequence) {
      const update = eventFor(known.id, known.row, known.traits.machine, this.#clock.date());
      known.told = { update, sequence, born, noticedMs: this.#lookout.noticedMs };
    }
    return known.told;
  }

  #tellOutage(subscriber: Subscriber): void {
    const { outage } = this.#lookout;
    if (outage !== null) this.#audience.hand(subscriber, this.#statusDelivery(outage));
  }

  #statusDelivery(update: StatusEvent): Delivery {
    return { update, sequence: null, born: 0, noticedMs: this.#clock.now() };
  }
}

function isUnseen({ known }: Followed): boolean {
  return known.sequence === 0;
}
