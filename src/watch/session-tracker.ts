/** Compares sessions as they are read with what subscribers know, and notifies them of differences. */

import type { Clock } from "../async/clock.ts";
import { eventFor } from "../session/events.ts";
import { DELETED } from "../session/session.ts";
import type { SessionId, SessionVersion, SourceToken } from "../session/session.ts";
import type { ChangeLog, KnownSession } from "./change-log.ts";
import type { Delivery } from "./mailbox.ts";
import type { Circumstances } from "./polling/poller.ts";
import type { Changes } from "./ports.ts";
import { baseline, step } from "./step.ts";
import type { Step } from "./step.ts";
import type { Subscribers } from "./subscribers.ts";

export class SessionTracker {
  readonly #sessions: ChangeLog;
  readonly #subscribers: Subscribers;
  readonly #clock: Clock;
  readonly #syncDelayMs: number;
  #updates = 0;

  constructor(sessions: ChangeLog, subscribers: Subscribers, clock: Clock, syncDelayMs: number) {
    this.#sessions = sessions;
    this.#subscribers = subscribers;
    this.#clock = clock;
    this.#syncDelayMs = syncDelayMs;
  }

  /** Changes, each counted once however many subscribers there are. */
  get updates(): number {
    return this.#updates;
  }

  /** Applies an archive's answer about all its sessions. */
  seeAll(changes: Changes, circumstances: Circumstances): void {
    for (const [id, row] of changes.states) this.see(id, row, circumstances);
    if (!changes.isComplete) return;
    for (const { id, row } of this.#sessions)
      if (row !== null && !changes.states.has(id)) this.see(id, null, circumstances);
  }

  /** @param row null if the session is missing or in the trash. */
  see(id: SessionId, row: SessionVersion | null, { isNews, noticedMs }: Circumstances): void {
    if (row === null && !this.#sessions.has(id)) {
      if (isNews) this.#seePassing(this.#sessions.meet(id), noticedMs);
      return;
    }
    const known = this.#sessions.meet(id);
    known.row = row;
    known.formerTraits = known.traits;
    if (row !== null) known.traits = row;
    if (known.state === null && row !== null && !isNews) this.#sessions.noteChange(known, true);
    known.state ??= baseline(isNews ? null : row);
    this.decide(known, undefined, noticedMs);
  }

  /**
   * @param source the transcript's token; null if there is none, undefined if it was not checked.
   * @returns what to do about the session; subscribers are already notified.
   */
  decide(
    known: KnownSession,
    source: SourceToken | null | undefined,
    noticedMs: number = this.#clock.now(),
  ): Step["action"] {
    if (known.state === null) return "wait";
    const sighting = { nowMs: this.#clock.now(), row: known.row, source };
    const { action, state } = step(known.state, sighting, this.#syncDelayMs);
    const wasGone = known.state.version === DELETED;
    known.state = state;
    if (action === "emit") this.#notify(known, wasGone, noticedMs);
    return action;
  }

  /** @returns the last change of the session; the same object for everyone, so that it is encoded once. */
  lastOf(known: KnownSession, noticedMs: number = this.#clock.now()): Delivery {
    const { sequence, born } = known;
    if (known.lastDelivery?.sequence !== sequence) {
      const update = eventFor(known.id, known.row, known.traits.machine, this.#clock.date());
      known.lastDelivery = { update, sequence, born, noticedMs };
    }
    return known.lastDelivery;
  }

  /** It came and went between two reads: a client may have seen it in a newer list. */
  #seePassing(known: KnownSession, noticedMs: number): void {
    known.state = baseline(null);
    this.#notify(known, false, noticedMs);
  }

  /** @param isNew it was not there before. */
  #notify(known: KnownSession, isNew: boolean, noticedMs: number): void {
    this.#updates += 1;
    this.#sessions.noteChange(known, isNew);
    this.#subscribers.notify(known, this.lastOf(known, noticedMs));
  }
}
