/** Follows sessions in an archive, and syncs their transcripts meanwhile. */

import type { Logger } from "@logtape/logtape";
import { systemClock } from "../runtime/clock.ts";
import { withHeartbeats } from "../watch/heartbeats.ts";
import type { Store } from "../watch/ports.ts";
import { resolveId } from "../watch/resolve.ts";
import type { Filter } from "../session/filter.ts";
import { eventFor, eventForSession } from "../session/events.ts";
import type { SessionEvent, StreamEvent } from "../session/events.ts";
import type { SessionId } from "../session/session.ts";
import { startLive } from "./live.ts";
import type { LiveFlags } from "./live.ts";
import { localIndex } from "./lookup.ts";
import { everySession } from "../watch/pages.ts";
import type { Target } from "../cli/input/target.ts";
import { Told } from "../watch/told.ts";
import { abortable } from "../async/abortable.ts";
import { wire } from "./wiring.ts";
import type { CommonOptions, Wiring } from "./wiring.ts";

export interface LocalOptions extends CommonOptions, LiveFlags {
  /** Begin with the present state. */
  initial: boolean;
}

/** Sessions that are read from the archive at once. */
const PAGE_SIZE = 1000;

/**
 * Goes on until it fails, or `signal` aborts.
 *
 * @throws WatchError `usage`, `session_not_found`, `session_ambiguous`, `archive_unavailable`, `archive_unusable`; the
 * signal's reason.
 */
export async function* followLocal(
  target: Target,
  options: LocalOptions,
  signal: AbortSignal,
  log: Logger,
): AsyncGenerator<StreamEvent, void, void> {
  const wiring = await abortable(wire(options, log), signal);
  const { store, engine } = wiring;
  try {
    const id = "id" in target ? await resolveId(target.id, localIndex(store, engine)) : undefined;
    signal.throwIfAborted();
    const live =
      engine === undefined
        ? undefined
        : startLive(engine, options, log, id === undefined ? {} : { only: id });
    try {
      // What is told first is then true; what cannot be synced can be followed as the archive has it.
      if (live !== undefined) await abortable(live.synced, signal);
      if (id !== undefined) yield* oneSession(id, wiring, options, signal);
      else if ("filter" in target) yield* allSessions(target.filter, wiring, options, signal);
    } finally {
      live?.stop();
    }
  } finally {
    await wiring.close();
  }
}

async function* oneSession(
  id: SessionId,
  { watcher }: Wiring,
  { initial, heartbeat }: LocalOptions,
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
  { initial, heartbeat }: LocalOptions,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent, void, void> {
  // The position is taken before the list is read: what changes meanwhile is told after it.
  const subscription = watcher.eventsOf({ sessions: "all", filter }, { signal });
  await subscription.ready;
  const told = new Told();
  if (initial) {
    for (const event of await present(store, filter, signal)) {
      told.note(event);
      yield event;
    }
  }
  for await (const event of withHeartbeats(subscription[Symbol.asyncIterator](), systemClock, heartbeat)) {
    // It may have changed after the position, and before the list.
    if (initial && told.knows(event)) continue;
    told.note(event);
    yield event;
  }
}

/** Oldest activity first. */
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
