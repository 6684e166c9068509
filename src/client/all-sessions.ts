/**
 * All sessions that match, followed through a server. A cursor comes with the first event, and means something to the
 * server that gave it alone; where there is none that the server knows, the list says what was missed.
 */

import { WatchError } from "../errors.ts";
import type { Clock } from "../async/clock.ts";
import { matches } from "../session/filter.ts";
import type { Filter } from "../session/filter.ts";
import { eventForSession } from "../session/events.ts";
import type { SessionEvent, StreamEvent } from "../session/events.ts";
import type { SessionId, Session, Traits } from "../session/session.ts";
import { Told } from "../watch/told.ts";
import { eventOf } from "./event-stream.ts";
import type { EventStream } from "./event-stream.ts";
import type { ServerApi } from "./server-api.ts";
import type { Subject } from "./subject.ts";

export class AllSessions implements Subject {
  readonly #filter: Filter;
  readonly #api: ServerApi;
  readonly #clock: Clock;
  readonly #told = new Told();
  #cursor: string | undefined;

  constructor(filter: Filter, api: ServerApi, clock: Clock) {
    this.#filter = filter;
    this.#api = api;
    this.#clock = clock;
  }

  async begin(): Promise<SessionEvent[]> {
    const present = await this.#listed();
    for (const event of present) this.#told.note(event);
    return present;
  }

  /** @throws WatchError `server_refused` by a server that streams single sessions only, as agentsview does. */
  async connect(): Promise<EventStream> {
    const query = new URLSearchParams({ all: "true", ...this.#filter });
    const stream = await this.#api.stream(`watch?${query}`, this.#cursor);
    if (stream !== null) return stream;
    const why = "it streams single sessions only; name one, or use a sessionwatch server";
    throw new WatchError("server_refused", `--all cannot be had from ${this.#api.origin}: ${why}`);
  }

  async *read(stream: EventStream): AsyncGenerator<StreamEvent, void, void> {
    // The server has noted where this stream begins: what changes while the list is read waits in it.
    if (this.#cursor === undefined) yield* this.#missed();
    for await (const message of stream) {
      const event = eventOf(message);
      if (event?.event === "reset") yield* this.#missed();
      else if (event !== null) yield* this.#news(event);
      if (message.id !== undefined && message.id !== "") this.#cursor = message.id;
    }
  }

  /** What has changed since it was last told. */
  async *#missed(): AsyncGenerator<SessionEvent, void, void> {
    const gone = new Set(this.#told.ids);
    for (const event of await this.#listed()) {
      gone.delete(event.data);
      yield* this.#news(event);
    }
    for (const id of gone) yield* this.#found(id, await this.#api.session(id));
  }

  /** A session that is not in the list may have moved while it was read, or have got other traits. */
  *#found(id: SessionId, session: Session | null): Generator<SessionEvent, void, void> {
    if (session === null || matches(this.#filter, traitsOf(session)))
      yield* this.#news(this.#event(id, session));
    else this.#told.forget(id);
  }

  *#news<T extends StreamEvent>(event: T): Generator<T, void, void> {
    if (this.#told.knows(event)) return;
    this.#told.note(event);
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
