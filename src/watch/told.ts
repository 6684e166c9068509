/** What a reader knows of each session, so that nothing is told twice. */

import { isSessionEvent, versionAfter } from "../session/events.ts";
import { DELETED } from "../session/session.ts";
import type { StreamEvent } from "../session/events.ts";
import type { SessionId, Version } from "../session/session.ts";

export class Told {
  readonly #versions = new Map<SessionId, Version>();

  /** Sessions that are there, as far as the reader knows. */
  get ids(): SessionId[] {
    return [...this.#versions.keys()];
  }

  /** @returns whether the event says nothing that the reader does not know; only what is said of sessions can be. */
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
