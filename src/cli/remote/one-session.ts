/** One session, followed through a server: its version is the cursor. */

import { WatchError } from "../../errors.ts";
import type { Clock } from "../../watch/ports.ts";
import { hasPrefix, isTopLevel, resolveId } from "../../watch/resolve.ts";
import type { SessionIndex } from "../../watch/resolve.ts";
import { eventFor } from "../../watch/session.ts";
import type { SessionEvent, SessionId, StreamEvent } from "../../watch/session.ts";
import { eventOf } from "./event-stream.ts";
import type { EventStream } from "./event-stream.ts";
import type { ServerApi } from "./server-api.ts";
import type { Subject } from "./subject.ts";

export class OneSession implements Subject {
  readonly #api: ServerApi;
  readonly #clock: Clock;
  #id: SessionId;
  #cursor: string | undefined;

  /** @param wanted as a person wrote it. */
  constructor(wanted: string, api: ServerApi, clock: Clock) {
    this.#id = wanted;
    this.#api = api;
    this.#clock = clock;
  }

  /** @throws WatchError `session_not_found`, `session_ambiguous`. */
  async begin(): Promise<SessionEvent[]> {
    this.#id = await resolveId(this.#id, indexOf(this.#api));
    const session = await this.#api.session(this.#id);
    if (session === null) throw this.#notFound();
    // An agentsview has no versions: there the stream begins where it is opened.
    this.#cursor = session.version;
    const { version, message_count: messageCount } = session;
    return [eventFor(this.#id, { version, messageCount }, this.#clock.now())];
  }

  /** @throws WatchError `session_not_found`. */
  async connect(): Promise<EventStream> {
    const route = `sessions/${encodeURIComponent(this.#id)}/watch?data=json`;
    const stream = await this.#api.stream(route, this.#cursor);
    if (stream === null) throw this.#notFound();
    return stream;
  }

  async *read(stream: EventStream): AsyncGenerator<StreamEvent, void, void> {
    for await (const message of stream) {
      if (message.id !== undefined && message.id !== "") this.#cursor = message.id;
      const event = eventOf(message);
      if (event !== null) yield event;
    }
  }

  #notFound(): WatchError {
    return new WatchError("session_not_found", `session not found: ${this.#id}`);
  }
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
