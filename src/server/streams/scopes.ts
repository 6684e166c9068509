/** Turns updates into changed scopes, for clients that fetch the rest themselves; changes in quick succession become one. */

import type { Delivery } from "../../watch/mailbox.ts";
import type { Clock } from "../../async/clock.ts";
import type { Item, ItemSource } from "./stream.ts";

/** `sessions`: some were added or removed; `messages`: some sessions have new ones; `sync`: anything may have changed. */
export type Scope = "sessions" | "messages" | "sync";

export interface ScopeChange extends Item {
  scope: Scope;
  /** The position of a client that has this change; null while another one of the same moment follows. */
  sequence: number | null;
}

/** Changes within this time (ms) become one, because each makes the client fetch a list. */
const COALESCE_MS = 500;

export class Scopes implements ItemSource<ScopeChange> {
  readonly #changes: ItemSource<Delivery>;
  readonly #clock: Clock;
  /** Time (ms) of the first sign of each. */
  readonly #pending = new Map<Scope, number>();
  /** The position of a client that has everything that is pending. */
  #sequence: number;
  #nextMs = 0;
  #cancelWait: (() => void) | null = null;
  #notify: () => void = () => undefined;

  /** @param sequence the client's position. */
  constructor(changes: ItemSource<Delivery>, clock: Clock, sequence: number) {
    this.#changes = changes;
    this.#clock = clock;
    this.#sequence = sequence;
  }

  get closed(): boolean {
    return this.#changes.closed;
  }

  take(): ScopeChange | undefined {
    if (this.#clock.now() < this.#nextMs) return undefined;
    const [first] = this.#pending;
    if (first === undefined) return undefined;
    const [scope, noticedMs] = first;
    this.#pending.delete(scope);
    if (this.#pending.size > 0) return { scope, sequence: null, noticedMs };
    this.#nextMs = this.#clock.now() + COALESCE_MS;
    return { scope, sequence: this.#sequence, noticedMs };
  }

  onPending(notify: () => void): void {
    this.#notify = notify;
    this.#changes.onPending(() => this.#drain());
    this.#drain();
  }

  /** The client's cursor has no meaning here: it must fetch everything. */
  missedEverything(): void {
    this.#pending.set("sync", this.#clock.now());
  }

  close(): void {
    this.#cancelWait?.();
    this.#changes.close();
  }

  #drain(): void {
    for (let delivery = this.#changes.take(); delivery !== undefined; delivery = this.#changes.take()) {
      const scope = scopeOf(delivery, this.#sequence);
      if (scope === null) continue;
      if (!this.#pending.has(scope)) this.#pending.set(scope, delivery.noticedMs);
      this.#sequence = delivery.sequence ?? this.#sequence;
    }
    if (this.#changes.closed) return this.#notify();
    const waitMs = this.#nextMs - this.#clock.now();
    if (waitMs <= 0) return this.#notify();
    this.#cancelWait ??= this.#clock.after(waitMs, () => {
      this.#cancelWait = null;
      // Nothing calls again: if the clock said that it is too early, the change would stay pending.
      this.#nextMs = 0;
      this.#notify();
    });
  }
}

/** @param sequence the client's position. */
function scopeOf({ update, born }: Delivery, sequence: number): Scope | null {
  switch (update.event) {
    case "session_updated":
      return born > sequence ? "sessions" : "messages";
    case "session_deleted":
      return "sessions";
    case "recovered":
      return "sync";
    case "degraded":
      return null;
  }
}
