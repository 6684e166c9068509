/** Updates on their way, as a feed hands them out. */

import type { Delivery, Mailbox } from "../../src/watch/mailbox.ts";
import { eventFor } from "../../src/session/events.ts";
import type { Update } from "../../src/session/events.ts";

/** @returns an update of a session with one message. */
export function updated(id: string, version = "v"): Update {
  return eventFor(id, { version, messageCount: 1 }, null, Date.UTC(2026, 0, 1));
}

/** @param sequence null for what is no session's. */
export function delivered(update: Update, sequence: number | null = null): Delivery {
  return { update, sequence, born: 0, noticedMs: 0 };
}

/** @returns everything that is pending. */
export function takeAll(mailbox: Pick<Mailbox, "take">): Update[] {
  const taken: Update[] = [];
  for (let taking = mailbox.take(); taking !== undefined; taking = mailbox.take()) taken.push(taking.update);
  return taken;
}
