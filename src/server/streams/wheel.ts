/** One timer for any number of deadlines, each accurate to a second. */

import type { Clock } from "../../async/clock.ts";

/** Time (ms) between two checks. */
const TICK_MS = 1000;

/** Something that has a deadline. */
export interface Due {
  /** The tick at which it is due; the wheel sets it. */
  slot: number | null;
}

export class Wheel<T extends Due> {
  readonly #clock: Clock;
  readonly #onDue: (item: T) => void;
  /** Items by the tick at which they are due. */
  readonly #slots = new Map<number, Set<T>>();
  #lastSlot: number;
  #cancelTick: (() => void) | null = null;

  /** @param onDue called once for each deadline; what it schedules again is due at a later tick. */
  constructor(clock: Clock, onDue: (item: T) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
    this.#lastSlot = slotOf(clock.now());
  }

  /** Sets the deadline of an item, and replaces an earlier one. */
  schedule(item: T, dueMs: number): void {
    this.remove(item);
    if (this.#slots.size === 0) this.#lastSlot = slotOf(this.#clock.now());
    const slot = Math.max(Math.ceil(dueMs / TICK_MS), this.#lastSlot + 1);
    const items = this.#slots.get(slot) ?? new Set();
    this.#slots.set(slot, items);
    items.add(item);
    item.slot = slot;
    this.#cancelTick ??= this.#clock.after(TICK_MS, () => this.#tick());
  }

  remove(item: T): void {
    if (item.slot === null) return;
    const items = this.#slots.get(item.slot);
    items?.delete(item);
    if (items?.size === 0) this.#slots.delete(item.slot);
    item.slot = null;
    if (this.#slots.size > 0) return;
    this.#cancelTick?.();
    this.#cancelTick = null;
  }

  #tick(): void {
    this.#cancelTick = this.#clock.after(TICK_MS, () => this.#tick());
    const nowSlot = slotOf(this.#clock.now());
    const due = [...this.#slots].filter(([slot]) => slot <= nowSlot);
    this.#lastSlot = nowSlot;
    for (const [, items] of due) {
      for (const item of items) {
        this.remove(item);
        this.#onDue(item);
      }
    }
  }
}

function slotOf(ms: number): number {
  return Math.floor(ms / TICK_MS);
}
