/** The sessions that a client follows through a server. */

import type { SessionEvent, StreamEvent } from "../session/events.ts";
import type { EventStream } from "./event-stream.ts";

/** Remembers how far its stream was read, so that the next connection resumes there. */
export interface FollowedSessions {
  /** @returns the current state, oldest activity first; later events differ from it. */
  begin(): Promise<SessionEvent[]>;
  /** Opens a stream that resumes where the last one ended. */
  connect(): Promise<EventStream>;
  /** Yields the events of one connection, and those that it missed before. */
  read(stream: EventStream): AsyncGenerator<StreamEvent, void, void>;
}
