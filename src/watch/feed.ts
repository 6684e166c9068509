/** The one thing in a process that notices changes and hands them to all subscribers. */

import { WatchError } from "../errors.ts";
import { Audience } from "./audience.ts";
import type { Followed, Subscriber } from "./audience.ts";
import type { Cursor } from "./cursor.ts";
import { KnownSessions } from "./known.ts";
import type { Known } from "./known.ts";
import type { Delivery, Mailbox } from "./mailbox.ts";
import { Outage } from "./outage.ts";
import type { Clock, Engine, Mark, Store } from "./ports.ts";
import { matches } from "./selection.ts";
import type { Selection } from "./selection.ts";
import { DELETED, eventFor } from "./session.ts";
import type { SessionId, SessionState, SourceToken, Update, Version } from "./session.ts";
import { baseline, step } from "./step.ts";
import type { Registration } from "./subscription.ts";
import { Turns } from "./turns.ts";

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

/** What a feed has done so far, and what it is doing. */
export interface FeedFigures {
  /** Changes that were told, whatever the number of subscribers. */
  updates: number;
  /** Updates that were never taken, because a newer one of the same session came first. */
  coalesced: number;
  subscribers: number;
  isDegraded: boolean;
}

/** So many transcripts are looked at at a poll: with thousands of followed sessions it would cost more than all else. */
export const TRANSCRIPTS_PER_POLL = 100;

/** What a subscriber waits for. */
type Wanted = readonly Followed[] | "all";

/** Somebody who waits for sessions to be read. */
interface Joining {
  wanted: Wanted;
  onRead: () => void;
  onFailure: (error: unknown) => void;
}

/** An archive that can only be read as a whole to see what has changed is read for a tenth of the time. */
const REST_PER_WORK = 9;

export class Feed {
  readonly #store: Store;
  readonly #engine: Engine | undefined;
  readonly #clock: Clock;
  readonly #options: FeedOptions;
  readonly #sessions = new KnownSessions();
  readonly #audience = new Audience();
  readonly #turns: Turns;
  readonly #outage: Outage;
  #joining: Joining[] = [];
  /** The archive's revision at the last look. */
  #revision: string | null = null;
  /** Up to where all sessions are known; null if they never were. */
  #mark: Mark | null = null;
  /** All sessions were read since somebody follows them all. */
  #isAllRead = false;
  /** Something has changed since all sessions were last read; and when (ms) they may be read again. */
  #isAllBehind = false;
  #restUntilMs = 0;
  /** When (ms) there was the first sign of what the next look will find. */
  #noticedMs: number | null = null;
  #updates = 0;
  #cancelPoll: (() => void) | null = null;
  #cancelHints: (() => void) | null = null;

  constructor(store: Store, engine: Engine | undefined, clock: Clock, options: FeedOptions) {
    this.#store = store;
    this.#engine = engine;
    this.#clock = clock;
    this.#options = options;
    this.#outage = new Outage(options.pollIntervalMs);
    this.#turns = new Turns({ join: () => this.#readJoining(), look: () => this.#look() });
  }

  get figures(): FeedFigures {
    const { size, coalesced } = this.#audience;
    return {
      updates: this.#updates,
      coalesced,
      subscribers: size,
      isDegraded: this.#outage.told !== null,
    };
  }

  /**
   * Registers `mailbox` for one session. A session that nobody follows yet is read at once, before anything
   * else can change it; of one that is followed, everything after what the feed knows is an update.
   */
  follow(id: SessionId, mailbox: Mailbox, since: Version | undefined): Registration<SessionState | null> {
    const selection = { sessions: [id], filter: {} };
    return this.#register(selection, mailbox, (subscriber, wanted) =>
      this.#joinOne(subscriber, wanted, this.#sessions.meet(id), since),
    );
  }

  /** Registers `mailbox` for many sessions. */
  followMany(selection: Selection, mailbox: Mailbox, since: Cursor | undefined): Registration<Position> {
    return this.#register(selection, mailbox, (subscriber, wanted) =>
      this.#joinMany(subscriber, wanted, since),
    );
  }

  /** Looks at the archive now, and again if a look is under way. */
  wake(): Promise<void> {
    this.#noticedMs ??= this.#clock.now();
    return this.#turns.look();
  }

  #register<T>(
    { sessions, filter }: Selection,
    mailbox: Mailbox,
    join: (subscriber: Subscriber, wanted: Wanted) => Promise<T>,
  ): Registration<T> {
    if (this.#audience.size === 0) this.#start();
    const known = sessions === "all" ? sessions : [...new Set(sessions)].map((id) => this.#sessions.meet(id));
    const [subscriber, followed] = this.#audience.enter(mailbox, filter, known);
    return {
      ready: join(subscriber, sessions === "all" ? "all" : followed),
      leave: () => {
        for (const known of this.#audience.leave(subscriber, followed)) {
          // Whoever comes back begins anew, but for what others know of it.
          if (known.state !== null) known.state = baseline(known.row);
          this.#sessions.forgetUnseen(known);
        }
        if (!this.#audience.wantsAll) this.#isAllRead = false;
        if (this.#audience.size === 0) this.#stop();
      },
    };
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
      // Where caller and feed differ, either may be the one who is late.
      await this.wake();
      if (since !== known.state?.version) this.#audience.hand(subscriber, this.#lastOf(known));
      subscriber.isJoined = true;
    } else if (since === undefined && known.row === null) {
      throw notFound(known.id);
    }
    this.#tellOutage(subscriber);
    return known.row;
  }

  async #joinMany(subscriber: Subscriber, wanted: Wanted, since: Cursor | undefined): Promise<Position> {
    const { epoch } = this.#options;
    const isReset = since !== undefined && since.epoch !== epoch;
    let sequence = 0;
    await this.#read(wanted, () => {
      ({ sequence } = this.#sessions);
      subscriber.isJoined = true;
      if (since === undefined || isReset) return;
      for (const known of this.#missed(wanted, since.sequence))
        if (matches(subscriber.filter, known.traits)) this.#audience.hand(subscriber, this.#lastOf(known));
    });
    // Whoever comes back may follow what was deleted meanwhile.
    const missing =
      wanted === "all" || since !== undefined ? undefined : wanted.find(({ known }) => known.row === null);
    if (missing !== undefined) throw notFound(missing.known.id);
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

  /** Calls `onRead` in the moment in which the sessions are known, before any later change of them is. */
  async #read(wanted: Wanted, onRead: () => void): Promise<void> {
    const isRead = wanted === "all" ? this.#isAllRead : wanted.every((followed) => followed.isRead);
    if (isRead) return onRead();
    await new Promise<void>((resolve, onFailure) => {
      const done = (): void => {
        onRead();
        resolve();
      };
      this.#joining.push({ wanted, onRead: done, onFailure });
      this.#turns.join();
    });
  }

  /** The archive is asked before anything is awaited: a change after this call is an update. */
  async #readJoining(): Promise<void> {
    const joining = this.#joining;
    this.#joining = [];
    const wanted = joining.flatMap((joins) => (joins.wanted === "all" ? [] : joins.wanted));
    const unread = [...new Set(wanted)].filter(({ isRead }) => !isRead);
    try {
      if (unread.length > 0) await this.#readFollowed(unread);
      if (!this.#isAllRead && joining.some(({ wanted }) => wanted === "all")) await this.#readAll();
    } catch (error) {
      for (const { onFailure } of joining) onFailure(error);
      return;
    }
    for (const { onRead } of joining) onRead();
    for (const followed of unread) void this.#lookAtTranscript(followed);
  }

  /** One batched read. */
  async #readFollowed(sessions: readonly Followed[]): Promise<void> {
    const rows = await this.#store.states(sessions.map(({ known }) => known.id));
    this.#noteReadable();
    for (const followed of sessions) {
      // Everybody may have left meanwhile, and what nobody has seen is forgotten.
      if (followed.subscribers.size === 0) continue;
      this.#see(followed.known, rows.get(followed.known.id) ?? null, { isNews: this.#isAllRead });
      followed.isRead = true;
    }
  }

  /** Learns of all sessions what has become of them since they were last known. */
  async #readAll(): Promise<void> {
    const startedMs = this.#clock.now();
    const { mark, states, isComplete } = await this.#store.changes(this.#mark);
    this.#noteReadable();
    // Who sees the archive for the first time takes it as it is.
    const isNews = this.#mark !== null;
    this.#mark = mark;
    for (const [id, row] of states) {
      if (row !== null || this.#sessions.has(id)) this.#see(this.#sessions.meet(id), row, { isNews });
    }
    if (isComplete) {
      for (const known of this.#sessions)
        if (known.row !== null && !states.has(known.id)) this.#see(known, null, { isNews });
      const endedMs = this.#clock.now();
      this.#restUntilMs = endedMs + REST_PER_WORK * (endedMs - startedMs);
    }
    this.#isAllBehind = false;
    this.#isAllRead = this.#audience.wantsAll;
  }

  #start(): void {
    this.#cancelHints = this.#store.onHint(() => void this.wake());
    this.#schedulePoll();
  }

  /** Nobody follows anything: no timer, no query. */
  #stop(): void {
    this.#cancelPoll?.();
    this.#cancelHints?.();
    this.#cancelPoll = null;
    this.#cancelHints = null;
    this.#revision = null;
    this.#isAllBehind = false;
    this.#outage.end();
  }

  #schedulePoll(): void {
    this.#cancelPoll?.();
    const pauseMs = this.#outage.retryMs ?? this.#options.pollIntervalMs;
    const restMs = this.#isAllBehind ? this.#restUntilMs - this.#clock.now() : Infinity;
    this.#cancelPoll = this.#clock.after(Math.max(0, Math.min(pauseMs, restMs)), () => {
      this.#schedulePoll();
      void this.wake();
      this.#lookAtTranscripts();
    });
  }

  async #look(): Promise<void> {
    const startedMs = this.#clock.now();
    try {
      if (this.#audience.size === 0) return;
      await this.#readChanges();
      this.#noteReadable();
    } catch (error) {
      this.#revision = null;
      const degraded = this.#outage.note(error, this.#clock.now());
      if (degraded !== null) this.#tellAll(degraded);
      if (this.#audience.size > 0) this.#schedulePoll();
    } finally {
      this.#noticedMs = null;
      this.#options.onLook(this.#clock.now() - startedMs);
    }
  }

  /** Reads what is followed, or nothing when the archive says that it has not changed. */
  async #readChanges(): Promise<void> {
    const revision = await this.#store.revision();
    const isChanged = revision === null || revision !== this.#revision;
    if (!isChanged && !this.#isAllBehind) return;
    this.#revision = revision;
    if (this.#isAllRead && this.#clock.now() >= this.#restUntilMs) return await this.#readAll();
    if (this.#isAllRead && !this.#isAllBehind) {
      this.#isAllBehind = true;
      this.#schedulePoll();
    }
    const followed = [...this.#audience.followed()].filter(({ isRead }) => isRead);
    if (isChanged && followed.length > 0) await this.#readFollowed(followed);
  }

  /** All of them at each poll, or where there are very many, some: those that lag, and others in turn. */
  #lookAtTranscripts(): void {
    const inTurn = new Set(this.#audience.inTurn(TRANSCRIPTS_PER_POLL));
    for (const followed of this.#audience.followed()) {
      const lags = typeof followed.known.state?.syncAtMs === "number";
      if (lags || inTurn.has(followed)) void this.#lookAtTranscript(followed);
    }
  }

  /** Runs beside the looks at the archive, so that a slow transcript or file system delays no other session. */
  async #lookAtTranscript(followed: Followed): Promise<void> {
    const { known } = followed;
    if (this.#engine === undefined || !followed.isRead || followed.isBusy) return;
    followed.isBusy = true;
    try {
      const source = await this.#engine.sourceToken(known.id);
      if (this.#decide(known, source) !== "sync") return;
      await this.#engine.sync(known.id);
      await this.wake();
    } catch (error) {
      this.#options.onSyncError(known.id, error);
    } finally {
      followed.isBusy = false;
    }
  }

  /** @param isNews a session that was not known before was not there before. */
  #see(known: Known, row: SessionState | null, { isNews }: { isNews: boolean }): void {
    known.row = row;
    if (row !== null) known.traits = row;
    if (known.state === null && row !== null && !isNews) this.#sessions.noteChange(known);
    known.state ??= baseline(isNews ? null : row);
    this.#decide(known, undefined);
  }

  #decide(known: Known, source: SourceToken | null | undefined): "emit" | "sync" | "wait" {
    if (known.state === null) return "wait";
    const nowMs = this.#clock.now();
    const sighting = { nowMs, row: known.row, source };
    const { action, state } = step(known.state, sighting, this.#options.syncDelayMs);
    const isNew = known.state.version === DELETED;
    known.state = state;
    if (action === "emit") this.#tell(known, isNew);
    return action;
  }

  #tell(known: Known, isNew: boolean): void {
    this.#updates += 1;
    this.#sessions.noteChange(known);
    this.#audience.tell(known, this.#lastOf(known, isNew));
  }

  /** The same object goes to everyone, also to those who come back later. */
  #lastOf(known: Known, isNew = false): Delivery {
    if (known.told?.sequence !== known.sequence) {
      const nowMs = this.#clock.now();
      const update = eventFor(known.id, known.row, nowMs);
      known.told = { update, sequence: known.sequence, isNew, noticedMs: this.#noticedMs ?? nowMs };
    }
    return known.told;
  }

  /** An outage that was told has an end: it is told before what has changed meanwhile. */
  #noteReadable(): void {
    const recovered = this.#outage.end();
    if (recovered !== null) this.#tellAll(recovered);
  }

  #tellAll(update: Update): void {
    this.#audience.tellAll(this.#statusDelivery(update));
  }

  #tellOutage(subscriber: Subscriber): void {
    const { told } = this.#outage;
    if (told !== null) this.#audience.hand(subscriber, this.#statusDelivery(told));
  }

  #statusDelivery(update: Update): Delivery {
    return { update, sequence: null, isNew: false, noticedMs: this.#clock.now() };
  }
}

function notFound(id: SessionId): WatchError {
  return new WatchError("session_not_found", `session not found: ${id}`);
}
