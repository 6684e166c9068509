/**
 * All sessions that match, followed through a server. The cursor comes with the first event and is valid only on the
 * server process that gave it. Without a valid cursor, the list shows what was missed.
 */

import { WatchError } from "../errors.ts";
import type { Clock } from "../async/clock.ts";
import { matches } from "../session/filter.ts";
import type { Filter } from "../session/filter.ts";
import { eventForSession } from "../session/events.ts";
import type { SessionEvent, StreamEvent } from "../session/events.ts";
import type { Session, SessionId, Traits } from "../session/session.ts";
import { SeenVersions } from "../watch/seen-versions.ts";
import { eventOf } from "./event-stream.ts";
import type { EventStream } from "./event-stream.ts";
import type { FollowedSessions } from "./followed-sessions.ts";
import type { ServerApi } from "./server-api.ts";

export class AllSessions implements FollowedSessions {
  readonly #filter: Filter;
  readonly #api: ServerApi;
  readonly #clock: Clock;
  readonly #seen = new SeenVersions();
  #cursor: string | undefined;

  constructor(filter: Filter, api: ServerApi, clock: Clock) {
    this.#filter = filter;
    this.#api = api;
    this.#clock = clock;
  }

  async begin(): Promise<SessionEvent[]> {
    const present = await this.#listed();
    for (const event of present) this.#seen.note(event);
    return present;
  }

  /** @throws WatchError `server_refused` if the server streams only single sessions, as agentsview does. */
  async connect(): Promise<EventStream> {
    const query = new URLSearchParams({ all: "true", ...this.#filter });
    const stream = await this.#api.stream(`watch?${query}`, this.#cursor);
    if (stream !== null) return stream;
    const advice = "name a session, or use a sessionwatch server";
    throw new WatchError(
      "server_refused",
      `${this.#api.origin} streams only single sessions, so --all is not possible: ${advice}`,
    );
  }

  async *read(stream: EventStream): AsyncGenerator<StreamEvent, void, void> {
    // The stream is open before the list is read, so a change in between arrives in the stream.
    if (this.#cursor === undefined) yield* this.#missed();
    for await (const message of stream) {
      const event = eventOf(message);
      if (event?.event === "reset") yield* this.#missed();
      else if (event !== null) yield* this.#news(event);
      if (message.id !== undefined && message.id !== "") this.#cursor = message.id;
    }
  }

  /** Yields what changed since the last event of each session. */
  async *#missed(): AsyncGenerator<SessionEvent, void, void> {
    const gone = new Set(this.#seen.ids);
    for (const event of await this.#listed()) {
      gone.delete(event.data);
      yield* this.#news(event);
    }
    for (const id of gone) yield* this.#unlisted(id, await this.#api.session(id));
  }

  /** A session that is missing in the list may have moved while the pages were read, or may not match any more. */
  *#unlisted(id: SessionId, session: Session | null): Generator<SessionEvent, void, void> {
    if (session === null || matches(this.#filter, traitsOf(session)))
      yield* this.#news(this.#event(id, session));
    else this.#seen.forget(id);
  }

  *#news<T extends StreamEvent>(event: T): Generator<T, void, void> {
    if (this.#seen.knows(event)) return;
    this.#seen.note(event);
    yield event;
  }

  /** Oldest activity first. */
  async #listed(): Promise<SessionEvent[]> {
    const listed: SessionEvent[] = [];
    for await (const session of this.#api.sessions(this.#filter))
      listed.push(this.#event(session.id, session));
    return listed.toReversed();
  }

  #event(id: SessionId, session: Session | null): SessionEvent {
    return eventForSession(id, session, this.#clock.date());
  }
}

function traitsOf({ project = null, agent = null, machine = null }: Session): Traits {
  return { project, agent, machine };
}
