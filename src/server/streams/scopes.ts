/** What has changed in the archive at all, for readers who fetch the rest themselves: some changes become one. */

import type { Delivery } from "../../watch/mailbox.ts";
import type { Clock } from "../../async/clock.ts";
import type { Item, Source } from "./stream.ts";

/** `sessions`: some came or went; `messages`: some have new ones; `sync`: anything may have changed. */
export type Scope = "sessions" | "messages" | "sync";

export interface ScopeChange extends Item {
  scope: Scope;
  /** How far a reader has read who has taken it; null while more of the same moment is to follow. */
  sequence: number | null;
}

/** Changes (ms) that follow each other faster are told together: whoever is told fetches a list. */
const COALESCE_MS = 500;

export class Scopes implements Source<ScopeChange> {
  readonly #changes: Source<Delivery>;
  readonly #clock: Clock;
  /** The first sign of each, in ms. */
  readonly #pending = new Map<Scope, number>();
  /** How far the reader has read who takes what is pending. */
  #sequence: number;
  #nextMs = 0;
  #cancelWait: (() => void) | null = null;
  #notify: () => void = () => undefined;

  /** @param sequence how far the reader has read. */
  constructor(changes: Source<Delivery>, clock: Clock, sequence: number) {
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

  /** The reader's cursor was of no use: it is to fetch everything. */
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
      // Nobody calls again: should the clock say that it is too early, what is pending would stay so.
      this.#nextMs = 0;
      this.#notify();
    });
  }
}

/** @param sequence how far the reader has read. */
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
