/** Events as one line for a person. */

import type { Heartbeat, StreamEvent } from "../../session/events.ts";
import { printable } from "../../session/printable.ts";

/** `14:03:22  updated    12 messages  <id>`, in local time; null for a heartbeat, which is for programs. */
export function eventText(event: StreamEvent): string | null {
  if (event.event === "heartbeat") return null;
  const now = "at" in event ? new Date(event.at) : new Date();
  return `${now.toLocaleTimeString("en-GB")}  ${printable(describe(event))}`;
}

function ownerOf({ machine }: { machine?: string }): string {
  return machine === undefined ? "" : `  on ${machine}`;
}

function describe(event: Exclude<StreamEvent, Heartbeat>): string {
  switch (event.event) {
    case "session_updated":
      return `updated    ${event.message_count ?? "?"} messages  ${event.data}${ownerOf(event)}`;
    case "session_deleted":
      return `deleted    ${event.data}${ownerOf(event)}`;
    case "degraded":
    case "recovered":
    case "reset":
      return `${event.event.padEnd(9)}  ${event.data}`;
  }
}
