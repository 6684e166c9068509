/** What happens to streams. */

/** What a stream carries: one `session`, many `sessions`, or changed `scopes`. */
export type StreamKind = "session" | "sessions" | "scopes";

/** Why a stream closed: the `client` left or `stalled`, the `server` stopped, or the subscription `ended`. */
export type CloseReason = "client" | "stalled" | "server" | "ended";

/** Is called by streams, for metrics and logs. */
export interface StreamObserver {
  onOpen: (kind: StreamKind) => void;
  /** @param openMs how long it was open. */
  onClose: (kind: StreamKind, reason: CloseReason, openMs: number) => void;
  /**
   * An event reached a client's connection. Not called for what the client had missed before it connected. Called for each of
   * very many clients in a row, so it must cost next to nothing.
   *
   * @param lagMs time since the first sign of the change.
   */
  onSent: (kind: StreamKind, lagMs: number) => void;
}
