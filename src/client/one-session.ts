/**
 * One session, followed through a server. Its version is the cursor. An agentsview server has no versions and cannot
 * resume, so there the session itself is read and compared.
 */

import { sessionNotFound } from "../errors.ts";
import type { Clock } from "../async/clock.ts";
import { hasPrefix, isTopLevel, resolveId } from "../watch/resolve.ts";
import type { SessionIndex } from "../watch/resolve.ts";
import { eventForSession } from "../session/events.ts";
import type { SessionEvent, StreamEvent } from "../session/events.ts";
import type { Session, SessionId } from "../session/session.ts";
import { eventOf } from "./event-stream.ts";
import type { EventStream } from "./event-stream.ts";
import type { FollowedSessions } from "./followed-sessions.ts";
import type { ServerApi } from "./server-api.ts";

export class OneSession implements FollowedSessions {
  readonly #api: ServerApi;
  readonly #clock: Clock;
  #id: SessionId;
  #cursor: string | undefined;
  /** Takes the place of the cursor on servers without versions. */
  #fingerprint: string | null = null;

  /** @param wanted an id as a person wrote it. */
  constructor(wanted: string, api: ServerApi, clock: Clock) {
    this.#id = wanted;
    this.#api = api;
    this.#clock = clock;
  }

  /** @throws WatchError `session_not_found`, `session_ambiguous`. */
  async begin(): Promise<SessionEvent[]> {
    this.#id = await resolveId(this.#id, indexOf(this.#api));
    const session = await this.#api.session(this.#id);
    if (session === null) throw sessionNotFound(this.#id);
    this.#cursor = session.version;
    this.#fingerprint = fingerprintOf(session);
    return [this.#event(session)];
  }

  /** @throws WatchError `session_not_found`. */
  async connect(): Promise<EventStream> {
    const route = `sessions/${encodeURIComponent(this.#id)}/watch?data=json`;
    const stream = await this.#api.stream(route, this.#cursor);
    if (stream === null) throw sessionNotFound(this.#id);
    return stream;
  }

  async *read(stream: EventStream): AsyncGenerator<StreamEvent, void, void> {
    if (this.#cursor === undefined) yield* this.#missed();
    for await (const message of stream) {
      if (message.id !== undefined && message.id !== "") this.#cursor = message.id;
      const event = eventOf(message);
      if (event === null) continue;
      // The fingerprint must be of the state that the event shows, so one read serves both.
      const isBare = this.#cursor === undefined && event.event === "session_updated";
      yield isBare ? this.#event(await this.#read()) : event;
    }
  }

  async *#missed(): AsyncGenerator<SessionEvent, void, void> {
    const before = this.#fingerprint;
    const session = await this.#read();
    if (this.#fingerprint !== before) yield this.#event(session);
  }

  async #read(): Promise<Session | null> {
    const session = await this.#api.session(this.#id);
    this.#fingerprint = fingerprintOf(session);
    return session;
  }

  #event(session: Session | null): SessionEvent {
    return eventForSession(this.#id, session, this.#clock.date());
  }
}

/** agentsview answers with more columns than our servers. */
type AgentsviewSession = Session & { local_modified_at?: string | null };

/** @returns null for a session that is gone. */
function fingerprintOf(session: AgentsviewSession | null): string | null {
  return session && JSON.stringify([session.message_count, session.ended_at, session.local_modified_at]);
}

function indexOf(api: ServerApi): SessionIndex {
  return {
    has: async (id) => (await api.session(id)) !== null,
    async latest() {
      for await (const session of api.sessions()) if (isTopLevel(session)) return session.id;
      return null;
    },
    async idsStartingWith(prefix, limit) {
      const found: SessionId[] = [];
      for await (const { id } of api.sessions()) {
        if (hasPrefix(id, prefix)) found.push(id);
        if (found.length === limit) break;
      }
      return found;
    },
  };
}
