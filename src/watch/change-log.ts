/** Every session that a feed has seen in its life, and in what order they have changed. */

import type { Delivery } from "./mailbox.ts";
import type { SessionId, SessionVersion, Traits } from "../session/session.ts";
import type { WatchState } from "./step.ts";

/** One session, as far as the feed knows it. */
export interface KnownSession {
  readonly id: SessionId;
  /** As it was last read. */
  row: SessionVersion | null;
  /** The last ones that it had: a deleted session has none of its own. */
  traits: Traits;
  /** Those that it had at the read before: who follows sessions that have them is told where it went. */
  formerTraits: Traits;
  /** What subscribers know; null until it has been read. */
  state: WatchState | null;
  /** Of its last change, the first sight of it included; 0 while it has never been in the archive. */
  sequence: number;
  /** Of the change with which it came, or was first seen: those who have read less do not know of it. */
  born: number;
  /** How its last change was told; null if it was not. */
  lastDelivery: Delivery | null;
}

interface Change {
  known: KnownSession;
  sequence: number;
}

const NO_TRAITS: Traits = { project: null, agent: null, machine: null };
/** Entries of the log that may be out of date before it is tidied up. */
const SLACK = 1000;

export class ChangeLog {
  readonly #known = new Map<SessionId, KnownSession>();
  /** In their order; of a session that has changed again, the earlier entries mean nothing. */
  #log: Change[] = [];
  #sequence = 0;

  /** Of the last change. */
  get sequence(): number {
    return this.#sequence;
  }

  has(id: SessionId): boolean {
    return this.#known.has(id);
  }

  /** @returns the session, from now on known. */
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

  /** Forgets a session that has never been in the archive: anybody can make up ids. */
  forgetUnseen(known: KnownSession): void {
    if (known.sequence === 0) this.#known.delete(known.id);
  }

  /** It has changed now, after all others. @param isNew it was not there before. */
  noteChange(known: KnownSession, isNew: boolean): void {
    this.#sequence += 1;
    known.sequence = this.#sequence;
    if (isNew) known.born = known.sequence;
    this.#log.push({ known, sequence: known.sequence });
    if (this.#log.length > 2 * this.#known.size + SLACK)
      this.#log = this.#log.filter(({ known, sequence }) => known.sequence === sequence);
  }

  /** @returns those that have changed after the change with this sequence, in the order of their last changes. */
  changedSince(sequence: number): KnownSession[] {
    const changed: KnownSession[] = [];
    for (let index = this.#log.length - 1; index >= 0; index -= 1) {
      const change = this.#log[index];
      if (change === undefined || change.sequence <= sequence) break;
      if (change.known.sequence === change.sequence) changed.push(change.known);
    }
    return changed.toReversed();
  }

  /** @returns how many were in the archive when they were last read. */
  countPresent(): number {
    let count = 0;
    for (const { row } of this.#known.values()) if (row !== null) count += 1;
    return count;
  }

  [Symbol.iterator](): IterableIterator<KnownSession> {
    return this.#known.values();
  }
}
