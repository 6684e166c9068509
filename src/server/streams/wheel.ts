/** One timer for any number of deadlines, each good to a second. */

import type { Clock } from "../../async/clock.ts";

/** How often (ms) it is looked whether anything is due. */
const TICK_MS = 1000;

/** Something that has a deadline. */
export interface Due {
  /** When (ms); kept by the wheel. */
  slot: number | null;
}

export class Wheel<T extends Due> {
  readonly #clock: Clock;
  readonly #onDue: (item: T) => void;
  /** By the tick at which they are due. */
  readonly #slots = new Map<number, Set<T>>();
  #lastSlot: number;
  #cancelTick: (() => void) | null = null;

  /** @param onDue called once for each deadline; whatever it schedules anew comes with a later tick. */
  constructor(clock: Clock, onDue: (item: T) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
    this.#lastSlot = slotOf(clock.now());
  }

  /** Gives the item a deadline, in place of the one that it may have. */
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
