/** What a stream asks of the way in which its events are written. */

import type { StreamKind } from "../stream-observer.ts";

/** One way to write a stream of `T`. Bytes are shared: clients that get the same event get the same bytes. */
export interface Format<T> {
  kind: StreamKind;
  contentType: string;
  /**
   * The first bytes.
   *
   * @param cursor the client's position. It is sent even to a client that has sent it itself: by the standard, a stream begins
   *   without an id, and the first empty line makes that the client's.
   * @param reset sent where the client's cursor has no meaning here.
   */
  opening(cursor: string, nowMs: number, reset?: OpeningReset): Uint8Array;
  frame(item: T): Uint8Array;
  heartbeat(nowMs: number): Uint8Array;
  /** Keeps a quiet connection alive; null where the format has no comments, and a heartbeat takes its place. */
  comment: Uint8Array | null;
  /** The last bytes before the server stops. */
  farewell(): Uint8Array | null;
}

/** Why a client must start anew, and its position afterwards. */
export interface OpeningReset {
  reason: string;
  cursor: string;
}
