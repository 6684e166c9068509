/** Follows sessions in an archive, and syncs their transcripts meanwhile. */

import { abortable } from "../async/abortable.ts";
import { systemClock } from "../runtime/clock.ts";
import { eventFor, eventForSession } from "../session/events.ts";
import type { SessionEvent, StreamEvent } from "../session/events.ts";
import type { Filter } from "../session/filter.ts";
import type { FollowTarget } from "../session/follow-target.ts";
import type { SessionId } from "../session/session.ts";
import { withHeartbeats } from "../watch/heartbeats.ts";
import { everySession } from "../watch/pages.ts";
import type { Store } from "../watch/ports.ts";
import { resolveId } from "../watch/resolve.ts";
import { SeenVersions } from "../watch/seen-versions.ts";
import { startBackgroundSync } from "./background-sync.ts";
import type { BackgroundSyncOptions } from "./background-sync.ts";
import { localIndex } from "./lookup.ts";
import type { Reporter } from "./reporter.ts";
import { wire } from "./wiring.ts";
import type { ArchiveOptions, Wiring } from "./wiring.ts";

export interface FollowArchiveOptions extends ArchiveOptions, BackgroundSyncOptions {
  /** Begin with the current state of each session. @default false */
  initial?: boolean;
}

/** Sessions that are read from the archive at once. */
const PAGE_SIZE = 1000;

/**
 * Yields events until it fails or `signal` aborts.
 *
 * @throws WatchError `usage`, `session_not_found`, `session_ambiguous`, `archive_unavailable`, `archive_unusable`; the
 * signal's reason.
 */
export async function* followArchive(
  target: FollowTarget,
  options: FollowArchiveOptions,
  reporter: Reporter,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent, void, void> {
  const wiring = await abortable(wire(options, reporter), signal);
  const { store, engine } = wiring;
  try {
    const id = "id" in target ? await resolveId(target.id, localIndex(store, engine)) : undefined;
    signal.throwIfAborted();
    const sync = engine && startBackgroundSync(engine, options, reporter, id);
    try {
      // Sync first, so that the first event is current. A transcript that fails does not stop this.
      if (sync !== undefined) await abortable(sync.synced, signal);
      if (id !== undefined) yield* oneSession(id, wiring, options, signal);
      else if ("filter" in target) yield* allSessions(target.filter, wiring, options, signal);
    } finally {
      sync?.stop();
    }
  } finally {
    await wiring.close();
  }
}

async function* oneSession(
  id: SessionId,
  { watcher }: Wiring,
  { initial = false, heartbeat }: FollowArchiveOptions,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent, void, void> {
  const subscription = watcher.events(id, { signal });
  const session = await subscription.ready;
  if (initial && session !== null) yield eventFor(id, session, session.machine, systemClock.date());
  yield* withHeartbeats(subscription[Symbol.asyncIterator](), systemClock, heartbeat);
}

async function* allSessions(
  filter: Filter,
  { store, watcher }: Wiring,
  { initial = false, heartbeat }: FollowArchiveOptions,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent, void, void> {
  // Subscribe before reading the list, so that a change in between arrives as an update.
  const subscription = watcher.eventsOf({ sessions: "all", filter }, { signal });
  await subscription.ready;
  const seen = new SeenVersions();
  if (initial) {
    for (const event of await present(store, filter, signal)) {
      seen.note(event);
      yield event;
    }
  }
  for await (const event of withHeartbeats(subscription[Symbol.asyncIterator](), systemClock, heartbeat)) {
    // The list may already have had a change that came after the subscription.
    if (initial && seen.knows(event)) continue;
    seen.note(event);
    yield event;
  }
}

/** @returns the current state of each session, oldest activity first. */
async function present(store: Store, filter: Filter, signal: AbortSignal): Promise<SessionEvent[]> {
  const events: SessionEvent[] = [];
  const pageAfter = (cursor: string | undefined) =>
    store.list({ ...filter, limit: PAGE_SIZE, ...(cursor === undefined ? {} : { cursor }) });
  for await (const session of everySession(pageAfter)) {
    signal.throwIfAborted();
    events.push(eventForSession(session.id, session, systemClock.date()));
  }
  return events.toReversed();
}
