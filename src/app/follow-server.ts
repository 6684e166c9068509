/** Follows sessions through a running server, on real time. */

import { followOverHttp } from "../client/follow-over-http.ts";
import type { FollowOverHttpOptions } from "../client/follow-over-http.ts";
import { systemClock } from "../runtime/clock.ts";
import type { StreamEvent } from "../session/events.ts";
import type { FollowTarget } from "../session/follow-target.ts";

/**
 * `for await (const event of followServer("http://127.0.0.1:7373", { id: "latest" }))`. Reconnects by itself; yields
 * events until it fails or `signal` aborts.
 *
 * @param server its address.
 * @throws WatchError `usage`, `session_not_found`, `session_ambiguous`, `server_unreachable`, `server_refused`; the
 * signal's reason.
 */
export function followServer(
  server: string,
  target: FollowTarget,
  options: FollowOverHttpOptions = {},
): AsyncGenerator<StreamEvent, void, void> {
  return followOverHttp(server, target, systemClock, options);
}
