/** Events as one line for a person. */

import { printable } from "./output.ts";
import type { FollowedEvent } from "./follow.ts";

/** `14:03:22  updated  12 messages`, in local time. */
export function textLine(event: FollowedEvent): string {
  const now = "at" in event ? new Date(event.at) : new Date();
  return `${now.toLocaleTimeString("en-GB")}  ${printable(describe(event))}`;
}

function describe(event: FollowedEvent): string {
  switch (event.event) {
    case "session_updated":
      return `updated    ${event.message_count} messages  ${event.data}`;
    case "session_deleted":
      return `deleted    ${event.data}`;
    case "heartbeat":
      return "quiet";
    case "degraded":
    case "recovered":
      return `${event.event.padEnd(9)}  ${event.data}`;
  }
}
