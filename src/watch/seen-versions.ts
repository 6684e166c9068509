/** The version of each session that a reader has seen, so that no event is repeated. */

import { isSessionEvent, versionAfter } from "../session/events.ts";
import { DELETED } from "../session/session.ts";
import type { StreamEvent } from "../session/events.ts";
import type { SessionId, Version } from "../session/session.ts";

export class SeenVersions {
  readonly #versions = new Map<SessionId, Version>();

  /** Sessions that exist, as far as the reader knows. */
  get ids(): SessionId[] {
    return [...this.#versions.keys()];
  }

  /** @returns whether the reader has seen what the event says; false for events that are not about a session. */
  knows(event: StreamEvent): boolean {
    return isSessionEvent(event) && (this.#versions.get(event.data) ?? DELETED) === versionAfter(event);
  }

  note(event: StreamEvent): void {
    if (!isSessionEvent(event)) return;
    if (event.event === "session_updated") this.#versions.set(event.data, event.version);
    else this.forget(event.data);
  }

  forget(id: SessionId): void {
    this.#versions.delete(id);
  }
}
