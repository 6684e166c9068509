/** Follows sessions: one watcher per process. */

import type { Cursor } from "./cursor.ts";
import { Feed } from "./feed.ts";
import type { FeedFigures, FeedOptions, Position } from "./feed.ts";
import type { Clock } from "../async/clock.ts";
import type { Engine, Store } from "./ports.ts";
import type { Selection } from "../session/filter.ts";
import type { SessionId, SessionVersion, Version } from "../session/session.ts";
import { Subscription } from "./subscription.ts";

/** How often (ms) the archive is polled when no hint comes. */
export const POLL_INTERVAL_MS = 1500;
/** A heartbeat is due after this many poll intervals of silence. */
export const HEARTBEAT_TICKS = 20;
/** How long (ms) a transcript may be ahead of the archive before it is synced directly. */
export const SYNC_FALLBACK_DELAY_MS = 5000;

export interface WatcherOptions extends Partial<FeedOptions> {
  clock: Clock;
}

export interface EventsOptions {
  /** Ends the iteration; it is not an error. */
  signal?: AbortSignal;
  /** The version that the caller has: if the session has another one, that is the first update. */
  since?: Version;
}

export interface EventsOfOptions {
  /** Ends the iteration; it is not an error. */
  signal?: AbortSignal;
  /** How far the caller has read: each session that has changed since comes first. */
  since?: Cursor;
}

export class Watcher {
  /** Names this watcher: cursors of another one mean nothing here. */
  readonly epoch: string;
  readonly #feed: Feed;

  /** @param engine syncs transcripts directly when the archive lags; without one, only the archive is read. */
  constructor(store: Store, engine: Engine | undefined, options: WatcherOptions) {
    const { clock, pollIntervalMs = POLL_INTERVAL_MS, syncDelayMs = SYNC_FALLBACK_DELAY_MS } = options;
    const { epoch = crypto.randomUUID().slice(0, 8), onSyncError = ignore, onLook = ignore } = options;
    this.epoch = epoch;
    this.#feed = new Feed(store, engine, clock, { pollIntervalMs, syncDelayMs, epoch, onSyncError, onLook });
  }

  /**
   * Follows one session. Its state is read before this returns (a store that answers later: before `ready`
   * resolves), and every later difference becomes an update. The subscription ends when the loop over it
   * ends, when `signal` aborts, or with `close()`.
   *
   * @throws (from `ready` and from the loop) WatchError `session_not_found`, `archive_unavailable`.
   */
  events(id: SessionId, options: EventsOptions = {}): Subscription<SessionVersion | null> {
    const { signal, since } = options;
    return new Subscription(signal, (mailbox) => this.#feed.follow(id, mailbox, since));
  }

  /**
   * Follows many sessions, or all of them with those that start later. `ready` gives the position from which on changes
   * are updates.
   *
   * @throws (from `ready` and from the loop) WatchError `session_not_found`, `archive_unavailable`.
   */
  eventsOf(selection: Selection, options: EventsOfOptions = {}): Subscription<Position> {
    const { signal, since } = options;
    return new Subscription(signal, (mailbox) => this.#feed.followMany(selection, mailbox, since));
  }

  get figures(): FeedFigures {
    return this.#feed.figures;
  }

  /**
   * Looks at the archive now: for callers that know that it has changed.
   *
   * @param ids the sessions that have changed; null if it may be any.
   */
  wake(ids: readonly SessionId[] | null = null): void {
    this.#feed.hint(ids);
  }
}

/** The default for callers without a log: the feed retries by itself. */
function ignore(): void {}
