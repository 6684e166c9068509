/** What happens to the connection to a server while it is followed. */

import type { ServerFailure } from "./server-failure.ts";

/**
 * - `lost`: there has been no connection for `forMs`; the client still tries
 * - `restored`: there is a connection again, after `lost`
 * - `retrying`: an attempt or a connection failed; the next attempt starts in `waitMs`
 */
export type ConnectionEvent =
  | { kind: "lost"; origin: string; forMs: number; reason: string }
  | { kind: "restored"; origin: string }
  | { kind: "retrying"; origin: string; failure: ServerFailure; waitMs: number };
