/** Keeps an eye on the archive: reads what is followed when it may have changed, and everything that is asked for first. */

import type { Followed } from "../subscribers.ts";
import { Outage } from "./outage.ts";
import type { Clock } from "../../async/clock.ts";
import type { Changes, Mark, Store } from "../ports.ts";
import type { StatusEvent } from "../../session/events.ts";
import type { SessionId, SessionState } from "../../session/session.ts";
import { Turns } from "./read-queue.ts";

/** What somebody follows. */
export type Wanted = readonly Followed[] | "all";

export interface LookoutOptions {
  store: Store;
  clock: Clock;
  pollIntervalMs: number;
  /** What is to be looked at. */
  followed: () => Iterable<Followed>;
  /** Of these sessions, those that are to be looked at. */
  followedAmong: (ids: readonly SessionId[]) => Followed[];
  wantsAll: () => boolean;
  /** @param isNews a session that was not known before was not there before. */
  onSession: (id: SessionId, row: SessionState | null, isNews: boolean) => void;
  /** How many sessions are known to be in the archive. */
  countPresent: () => number;
  /** The archive was read as a whole: of the sessions that are known, those that it does not hold are gone. */
  onComplete: (states: ReadonlyMap<SessionId, SessionState | null>) => void;
  onStatus: (status: StatusEvent) => void;
  /** Everything was looked at, by the look with this number. */
  onLooked: (look: number) => void;
  onPoll: () => void;
  /** The archive was asked what has changed; it took so long (ms). */
  onLook: (ms: number) => void;
}

/** Somebody who waits for sessions to be read. */
interface Joining {
  wanted: Wanted;
  onRead: () => void;
  onFailure: (error: unknown) => void;
}

/** An archive that can only be read as a whole to see what has changed is read for a tenth of the time. */
const REST_PER_WORK = 9;

export class Lookout {
  readonly #options: LookoutOptions;
  readonly #turns: Turns;
  readonly #outage: Outage;
  #joining: Joining[] = [];
  /** The archive's revision at the last look. */
  #revision: string | null = null;
  /** Up to where all sessions are known; null if they never were. */
  #mark: Mark | null = null;
  /** Some sessions have gone without a trace; all of them have to be read to know which. */
  #hasLostSome = false;
  /** All sessions were read since somebody follows them all. */
  #isAllRead = false;
  /** Something has changed since all sessions were last read; and when (ms) they may be read again. */
  #isAllBehind = false;
  #restUntilMs = 0;
  /** Everything is to be looked at; else only what was hinted at. */
  #isDue = false;
  readonly #hinted = new Set<SessionId>();
  /** When (ms) there was the first sign of what the next look will find. */
  #noticedMs: number | null = null;
  #looks = 0;
  #isOn = false;
  #cancelPoll: (() => void) | null = null;
  #cancelHints: (() => void) | null = null;

  constructor(options: LookoutOptions) {
    this.#options = options;
    this.#outage = new Outage(options.pollIntervalMs);
    this.#turns = new Turns({ join: () => this.#readJoining(), look: () => this.#look() });
  }

  /** What subscribers were told of an outage that goes on; null while the archive can be read. */
  get outage(): StatusEvent | null {
    return this.#outage.told;
  }

  /** How many looks have begun. */
  get looks(): number {
    return this.#looks;
  }

  /** When (ms) there was the first sign of what is being told. */
  get noticedMs(): number {
    return this.#noticedMs ?? this.#options.clock.now();
  }

  start(): void {
    if (this.#isOn) return;
    this.#isOn = true;
    this.#cancelHints = this.#options.store.onHint((ids) => this.#hear(ids));
    this.#schedulePoll();
  }

  /** Nobody follows anything: no timer, no query. */
  stop(): void {
    this.#isOn = false;
    this.#cancelPoll?.();
    this.#cancelHints?.();
    this.#cancelPoll = null;
    this.#cancelHints = null;
    this.#revision = null;
    this.#isAllBehind = false;
    this.#isDue = false;
    this.#hinted.clear();
    this.#outage.end();
  }

  /** Nobody follows all sessions any more. */
  forgetAll(): void {
    this.#isAllRead = false;
  }

  /** Looks at the archive now, and again if a look is under way. */
  wake(): Promise<void> {
    this.#isDue = true;
    this.#noticedMs ??= this.#options.clock.now();
    return this.#turns.look();
  }

  /**
   * Calls `onRead` in the moment in which the sessions are known, before any later change of them is. What is not known
   * yet is asked for before anything is awaited: what changes after this call is told.
   */
  async read(wanted: Wanted, onRead: () => void): Promise<void> {
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

  #hear(ids: readonly SessionId[] | null): void {
    if (ids === null) return void this.wake();
    for (const id of ids) this.#hinted.add(id);
    this.#noticedMs ??= this.#options.clock.now();
    void this.#turns.look();
  }

  async #readJoining(): Promise<void> {
    const joining = this.#joining;
    this.#joining = [];
    const startedMs = this.#options.clock.now();
    const wanted = joining.flatMap((joins) => (joins.wanted === "all" ? [] : joins.wanted));
    const unread = [...new Set(wanted)].filter(({ isRead }) => !isRead);
    try {
      if (unread.length > 0) await this.#readFollowed(unread);
      if (!this.#isAllRead && joining.some(({ wanted }) => wanted === "all")) await this.#readAll();
    } catch (error) {
      this.#noteFailure(error, startedMs);
      for (const { onFailure } of joining) onFailure(error);
      return;
    }
    for (const { onRead } of joining) onRead();
  }

  /** One batched read. */
  async #readFollowed(sessions: readonly Followed[]): Promise<void> {
    const { store, onSession } = this.#options;
    const rows = await store.states(sessions.map(({ known }) => known.id));
    this.#noteReadable();
    for (const followed of sessions) {
      // Everybody may have left meanwhile, and what nobody has seen is forgotten.
      if (followed.subscribers.size === 0) continue;
      const { known } = followed;
      const row = rows.get(known.id) ?? null;
      // The very same row was not written since: of thousands, most are not.
      if (followed.isRead && row !== null && row === known.row) continue;
      onSession(known.id, row, this.#isAllRead);
      followed.isRead = true;
    }
  }

  /**
   * Learns of all sessions what has become of them since they were last known.
   *
   * @returns whether that is certain.
   */
  async #readAll(): Promise<boolean> {
    const { store, wantsAll, countPresent } = this.#options;
    const { total, isHearsay } = await this.#take(() => store.changes(this.#mark));
    // It stays so until it is known: the next answer goes on from this one, and would not say it again.
    if (total !== null && total !== countPresent()) this.#hasLostSome = true;
    if (this.#hasLostSome) await this.#take(() => store.changes(null));
    this.#hasLostSome = false;
    this.#isAllBehind = false;
    this.#isAllRead = wantsAll();
    return !isHearsay;
  }

  async #take(read: () => Promise<Changes>): Promise<Changes> {
    const { clock, onSession, onComplete } = this.#options;
    const startedMs = clock.now();
    const changes = await read();
    const { mark, states, isComplete, isScan } = changes;
    this.#noteReadable();
    // Who sees the archive for the first time takes it as it is.
    const isNews = this.#mark !== null;
    this.#mark = mark;
    for (const [id, row] of states) onSession(id, row, isNews);
    if (isComplete) onComplete(states);
    const endedMs = clock.now();
    if (isScan) this.#restUntilMs = endedMs + REST_PER_WORK * (endedMs - startedMs);
    return changes;
  }

  #schedulePoll(): void {
    const { clock, pollIntervalMs, onPoll } = this.#options;
    this.#cancelPoll?.();
    const pauseMs = this.#outage.retryMs ?? pollIntervalMs;
    const restMs = this.#restUntilMs - clock.now();
    // Once the rest is over, the look that it put off is under way, or has failed and waits as every other one.
    const isPutOff = this.#isAllBehind && restMs > 0;
    this.#cancelPoll = clock.after(isPutOff ? Math.min(pauseMs, restMs) : pauseMs, () => {
      this.#schedulePoll();
      void this.wake();
      onPoll();
    });
  }

  async #look(): Promise<void> {
    const { clock, onLooked, onLook } = this.#options;
    if (!this.#isOn) {
      this.#noticedMs = null;
      return;
    }
    const startedMs = clock.now();
    this.#looks += 1;
    const look = this.#looks;
    const isDue = this.#isDue;
    const hinted = [...this.#hinted];
    this.#isDue = false;
    this.#hinted.clear();
    try {
      if (hinted.length > 0) await this.#readHinted(hinted, isDue);
      if (isDue) await this.#readChanges();
      this.#noteReadable();
      if (isDue) onLooked(look);
    } catch (error) {
      this.#revision = null;
      for (const id of hinted) this.#hinted.add(id);
      this.#noteFailure(error, startedMs);
      // In an outage, whoever has come meanwhile need not wait for another failure.
      if (this.#outage.told !== null) for (const { onFailure } of this.#joining.splice(0)) onFailure(error);
      if (this.#isOn) this.#schedulePoll();
    } finally {
      this.#noticedMs = null;
      onLook(clock.now() - startedMs);
    }
  }

  /** @param isDue everything that is followed by its id is looked at anyway. */
  async #readHinted(ids: readonly SessionId[], isDue: boolean): Promise<void> {
    const { store, onSession, followedAmong } = this.#options;
    if (this.#isAllRead) {
      const rows = await store.states(ids);
      for (const id of ids) onSession(id, rows.get(id) ?? null, true);
    } else if (!isDue) {
      const read = followedAmong(ids).filter(({ isRead }) => isRead);
      if (read.length > 0) await this.#readFollowed(read);
    }
  }

  /** Reads what is followed, or nothing when the archive says that it has not changed. */
  async #readChanges(): Promise<void> {
    const { store, clock, followed } = this.#options;
    const revision = await store.revision();
    const isChanged = revision === null || revision !== this.#revision;
    if (!isChanged && !this.#isAllBehind) return;
    this.#revision = revision;
    if (this.#isAllRead && clock.now() >= this.#restUntilMs) {
      // Whoever follows a session by its id is not to know less because somebody else follows them all.
      if (await this.#readAll()) return;
    } else if (this.#isAllRead && !this.#isAllBehind) {
      this.#isAllBehind = true;
      this.#schedulePoll();
    }
    const read = [...followed()].filter(({ isRead }) => isRead);
    if (isChanged && read.length > 0) await this.#readFollowed(read);
  }

  /** Whoever joins may be the first to find out. */
  #noteFailure(error: unknown, askedMs: number): void {
    const { clock, onStatus } = this.#options;
    const degraded = this.#outage.note(error, askedMs, clock.now());
    if (degraded !== null) onStatus(degraded);
  }

  /** An outage that was told has an end: it is told before what has changed meanwhile. */
  #noteReadable(): void {
    const recovered = this.#outage.end();
    if (recovered !== null) this.#options.onStatus(recovered);
  }
}
