/** Tells of streams what becomes of them. */

/** What a stream carries: one `session`, many `sessions`, or the `scopes` in which anything has changed. */
export type StreamKind = "session" | "sessions" | "scopes";

/** Why a stream ended: `client` has gone, or `stalled`; the `server` stops, or what it follows has `ended`. */
export type CloseReason = "client" | "stalled" | "server" | "ended";

/** What happens to streams, for whoever counts it. */
export interface StreamObserver {
  onOpen: (kind: StreamKind) => void;
  /** @param openMs for how long it was open. */
  onClose: (kind: StreamKind, reason: CloseReason, openMs: number) => void;
  /**
   * An event was handed to a client's connection so long (ms) after there was the first sign of it; not called for what
   * the client had missed before it came. Called for each of very many clients in a row: it must cost next to nothing.
   */
  onSent: (kind: StreamKind, lagMs: number) => void;
}
