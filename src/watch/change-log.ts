/** Every session that a feed has seen, and the order of their changes. */

import type { Delivery } from "./mailbox.ts";
import type { SessionId, SessionVersion, Traits } from "../session/session.ts";
import type { WatchState } from "./step.ts";

/** What the feed knows of one session. */
export interface KnownSession {
  readonly id: SessionId;
  /** As last read; null if it is not in the archive. */
  row: SessionVersion | null;
  /** Kept after a deletion, for filters. */
  traits: Traits;
  /** As of the read before: subscribers whose filter matches these learn that the session has moved. */
  formerTraits: Traits;
  /** What subscribers know; null before the first read. */
  state: WatchState | null;
  /** Sequence of its last change, or of its first sight; 0 if it was never in the archive. */
  sequence: number;
  /** Sequence of the change that created it, or of its first sight: readers with a lower cursor do not know it. */
  born: number;
  /** What subscribers got for its last change; null if none did. */
  lastDelivery: Delivery | null;
}

interface Change {
  known: KnownSession;
  sequence: number;
}

const NO_TRAITS: Traits = { project: null, agent: null, machine: null };
/** How many outdated entries the log may have before they are removed. */
const SLACK = 1000;

export class ChangeLog {
  readonly #known = new Map<SessionId, KnownSession>();
  /** In order; only the last entry of a session counts. */
  #log: Change[] = [];
  #sequence = 0;

  /** The sequence of the last change. */
  get sequence(): number {
    return this.#sequence;
  }

  has(id: SessionId): boolean {
    return this.#known.has(id);
  }

  /** @returns the session; adds it if it is new. */
  meet(id: SessionId): KnownSession {
    const known = this.#known.get(id) ?? {
      id,
      row: null,
      traits: NO_TRAITS,
      formerTraits: NO_TRAITS,
      state: null,
      sequence: 0,
      born: 0,
      lastDelivery: null,
    };
    this.#known.set(id, known);
    return known;
  }

  /** Forgets a session that was never in the archive: clients can make up ids. */
  forgetUnseen(known: KnownSession): void {
    if (known.sequence === 0) this.#known.delete(known.id);
  }

  /** Gives the session the next sequence. @param isNew it was not there before. */
  noteChange(known: KnownSession, isNew: boolean): void {
    this.#sequence += 1;
    known.sequence = this.#sequence;
    if (isNew) known.born = known.sequence;
    this.#log.push({ known, sequence: known.sequence });
    if (this.#log.length > 2 * this.#known.size + SLACK)
      this.#log = this.#log.filter(({ known, sequence }) => known.sequence === sequence);
  }

  /** @returns the sessions that have changed since this sequence, in the order of their last changes. */
  changedSince(sequence: number): KnownSession[] {
    const changed: KnownSession[] = [];
    for (let index = this.#log.length - 1; index >= 0; index -= 1) {
      const change = this.#log[index];
      if (change === undefined || change.sequence <= sequence) break;
      if (change.known.sequence === change.sequence) changed.push(change.known);
    }
    return changed.toReversed();
  }

  /** @returns how many sessions are in the archive, as of the last reads. */
  countPresent(): number {
    let count = 0;
    for (const { row } of this.#known.values()) if (row !== null) count += 1;
    return count;
  }

  [Symbol.iterator](): IterableIterator<KnownSession> {
    return this.#known.values();
  }
}
