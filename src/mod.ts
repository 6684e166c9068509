/** The API for programs that embed sessionwatch. */

import { systemClock } from "./runtime/clock.ts";
import { openStore as openClockedStore } from "./stores/open.ts";
import type { OpenedStore, OpenOptions as ClockedOpenOptions } from "./stores/open.ts";
import type { Engine, Store } from "./watch/ports.ts";
import { Watcher as ClockedWatcher } from "./watch/watcher.ts";
import type { WatcherOptions } from "./watch/watcher.ts";

export { followServer } from "./app/follow-server.ts";
export type { ConnectionEvent } from "./client/connection-event.ts";
export type { FollowOverHttpOptions } from "./client/follow-over-http.ts";
export { WatchError } from "./errors.ts";
export type { ErrorCode } from "./errors.ts";
export type { OpenedStore } from "./stores/open.ts";
export { statMtime } from "./sync/reading/files.ts";
export type { Cursor } from "./watch/cursor.ts";
export type { FeedFigures, Position } from "./watch/feed.ts";
export type { Clock } from "./async/clock.ts";
export type { Engine, ListQuery, MessageQuery, SessionPage, Store } from "./watch/ports.ts";
export type { Filter, Selection } from "./session/filter.ts";
export type { FollowTarget } from "./session/follow-target.ts";
export type { SessionEvent, StatusEvent, StreamEvent, Update } from "./session/events.ts";
export type { SessionVersion, Session } from "./session/session.ts";
export { Subscription } from "./watch/subscription.ts";
export { HEARTBEAT_TICKS, POLL_INTERVAL_MS, SYNC_FALLBACK_DELAY_MS } from "./watch/watcher.ts";
export type { EventsOfOptions, EventsOptions, WatcherOptions } from "./watch/watcher.ts";

/** How to open an archive. */
export type OpenOptions = Partial<ClockedOpenOptions>;

/**
 * Opens an archive on real time.
 *
 * @param url `sqlite:…`, `file:…`, `postgres://…`, or the path of an existing file; undefined for our own archive in
 *   `defaultPath`.
 * @throws WatchError `usage` for a URL that names no store, `archive_unavailable`, `archive_unusable`.
 */
export function openStore(url: string | undefined, options: OpenOptions = {}): Promise<OpenedStore> {
  return openClockedStore(url, { clock: systemClock, ...options });
}

/** A watcher on real time: `new Watcher(store).events(id, { signal })`. */
export class Watcher extends ClockedWatcher {
  constructor(store: Store, engine?: Engine, options: Partial<WatcherOptions> = {}) {
    super(store, engine, { clock: systemClock, ...options });
  }
}
