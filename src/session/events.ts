/** The events that streams carry; their fields are those of the wire formats. */

import { DELETED, otherMachine } from "./session.ts";
import type { SessionId, SessionVersion, Session, Version } from "./session.ts";

/** The machine of the session; absent if it is this one, or not known. */
interface Owned {
  machine?: string;
}

/** Times are RFC 3339 UTC; the fields are those of the wire formats. */
export type SessionEvent =
  | ({
      event: "session_updated";
      data: SessionId;
      version: Version;
      message_count: number;
      at: string;
    } & Owned)
  | ({ event: "session_deleted"; data: SessionId; at: string } & Owned);

/** Whether the archive can be read; `data` is a short reason without secrets. */
export type StatusEvent = { event: "degraded"; data: string } | { event: "recovered"; data: string };

/** What a subscriber receives. */
export type Update = SessionEvent | StatusEvent;

/** Sent after a silence, so that clients know that the stream is alive. */
export type Heartbeat = { event: "heartbeat"; data: string };

/** The client's cursor is from another life of the server, which cannot say what the client has missed. */
export type Reset = { event: "reset"; data: string };

/** What a stream carries. */
export type StreamEvent = Update | Heartbeat | Reset;

/**
 * @param session null if it was deleted.
 * @param machine null if it is not known.
 * @returns the event for the session's present state.
 */
export function eventFor(
  id: SessionId,
  session: Pick<SessionVersion, "version" | "messageCount"> | null,
  machine: string | null,
  nowMs: number,
): SessionEvent {
  const at = new Date(nowMs).toISOString();
  const other = otherMachine(machine);
  const owned: Owned = other === null ? {} : { machine: other };
  if (session === null) return { event: "session_deleted", data: id, at, ...owned };
  const { version, messageCount } = session;
  return { event: "session_updated", data: id, version, message_count: messageCount, at, ...owned };
}

/** The same for a session as lists have it; null if it was deleted. */
export function eventForSession(id: SessionId, session: Session | null, nowMs: number): SessionEvent {
  const state = session && { version: session.version, messageCount: session.message_count };
  return eventFor(id, state, session?.machine ?? null, nowMs);
}

/** @returns whether the event is about a session. */
export function isSessionEvent(event: StreamEvent): event is SessionEvent {
  return event.event === "session_updated" || event.event === "session_deleted";
}

/** @returns the session's version after the event. */
export function versionAfter(event: SessionEvent): Version {
  return event.event === "session_updated" ? event.version : DELETED;
}

/** @returns a heartbeat; its time has whole seconds, as the reference writes it. */
export function heartbeat(nowMs: number): Heartbeat {
  return { event: "heartbeat", data: new Date(nowMs).toISOString().replace(/\.\d+Z$/, "Z") };
}
