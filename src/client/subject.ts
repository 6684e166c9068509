/** What is followed through a server. */

import type { SessionEvent, StreamEvent } from "../session/events.ts";
import type { EventStream } from "./event-stream.ts";

/** Remembers how far its stream was read, so that the next connection goes on there. */
export interface Subject {
  /** @returns the present state, oldest activity first: what is told later differs from it. */
  begin(): Promise<SessionEvent[]>;
  /** Opens the stream where the last one ended. */
  connect(): Promise<EventStream>;
  /** What is to be told of one connection. */
  read(stream: EventStream): AsyncGenerator<StreamEvent, void, void>;
}
