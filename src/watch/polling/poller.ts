/** Reads the archive when it may have changed: asks what `plan()` decides, and hands the answers to the feed. */

import type { Clock } from "../../async/clock.ts";
import type { StatusEvent } from "../../session/events.ts";
import type { SessionId, SessionVersion } from "../../session/session.ts";
import type { Changes, Store } from "../ports.ts";
import { plan } from "./plan.ts";
import { isComplete, NOT_POLLING } from "./polling-state.ts";
import type { ReadAnswer, Following, Read, Seen } from "./polling-state.ts";

/** What holds for everything that one read has found. */
export interface Circumstances {
  /** A session that is unknown so far was not in the archive before. */
  isNews: boolean;
  /** When (ms) the first sign of it came. */
  noticedMs: number;
}

/** What the poller reports. */
export type Observation =
  /** The rows of these sessions; missing and trashed ones have none. */
  | ({
      kind: "rows";
      ids: readonly SessionId[];
      rows: ReadonlyMap<SessionId, SessionVersion>;
    } & Circumstances)
  | ({ kind: "changes"; changes: Changes } & Circumstances)
  /** The read is complete: new subscribers can join before the next one. */
  | { kind: "known" }
  | { kind: "status"; status: StatusEvent }
  /** The archive cannot be read now. */
  | { kind: "failed"; error: unknown }
  /** A look at everything that is due is over; it took `ms`. */
  | { kind: "looked"; ms: number }
  /** A poll interval is over. */
  | { kind: "polled" };

/** The feed, as the poller sees it. */
export interface Reader {
  /** @returns the sessions to read for new subscribers, of all that are followed, or among those of `read`. */
  idsFor(read: Read & { ask: "arrivals" | "followed" | "sessions" }): readonly SessionId[];
  /** Returns when everything is applied. */
  observe(observation: Observation): void;
  /** How many sessions are known to be in the archive. */
  countPresent(): number;
  hasArrivals(): boolean;
}

export class Poller {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #pollIntervalMs: number;
  readonly #reader: Reader;
  #state = NOT_POLLING;
  #cancelPoll = (): void => undefined;
  #cancelHints: (() => void) | null = null;

  constructor(store: Store, clock: Clock, pollIntervalMs: number, reader: Reader) {
    this.#store = store;
    this.#clock = clock;
    this.#pollIntervalMs = pollIntervalMs;
    this.#reader = reader;
  }

  /** The event of the present outage; null if the archive can be read. */
  get degraded(): StatusEvent | null {
    return this.#state.outage.mode === "reported" ? this.#state.outage.event : null;
  }

  /** Whether every session of the archive is known. */
  get isComplete(): boolean {
    return isComplete(this.#state);
  }

  /** Without subscribers, there is no timer and no query. */
  follow(following: Following): void {
    if (following === this.#state.following) return;
    if (following === "nothing") {
      this.#cancelHints?.();
      this.#cancelHints = null;
    } else {
      this.#cancelHints ??= this.#store.onHint((ids) => this.hint(ids));
    }
    this.#see({ kind: "following", following, nowMs: this.#clock.now() });
  }

  /** Reads what new subscribers wait for: asks the archive before this returns, unless another read runs. */
  arrive(): void {
    this.#see({ kind: "arrival", nowMs: this.#clock.now() });
  }

  /** Some sessions have changed; null: any may have. */
  hint(ids: readonly SessionId[] | null): void {
    this.#see({ kind: "hint", ids, nowMs: this.#clock.now() });
  }

  #see(seen: Seen): void {
    const before = this.#state;
    const { state, read, status, failsArrivals } = plan(before, seen, this.#pollIntervalMs);
    this.#state = state;
    if (state.pollAtMs !== before.pollAtMs) this.#schedulePoll(state.pollAtMs);
    if (seen.kind === "answer") this.#reader.observe({ kind: "known" });
    if (status !== null) this.#reader.observe({ kind: "status", status });
    if (failsArrivals && seen.kind === "failure") this.#reader.observe({ kind: "failed", error: seen.error });
    if (before.look !== null && before.look !== state.look)
      this.#reader.observe({ kind: "looked", ms: seen.nowMs - before.look.startedMs });
    if (state.turn === "due" && before.turn !== "due") void this.#beginTurn();
    if (read !== null) void this.#perform(read);
  }

  /** Combines the hints of one moment into one look. */
  async #beginTurn(): Promise<void> {
    await Promise.resolve();
    this.#see({ kind: "turn", nowMs: this.#clock.now() });
  }

  async #perform(read: Read): Promise<void> {
    const askedMs = this.#clock.now();
    let answer: ReadAnswer;
    try {
      answer = await this.#ask(read);
    } catch (error) {
      this.#see({ kind: "failure", read, error, askedMs, nowMs: this.#clock.now() });
      return;
    }
    this.#see({ kind: "answer", read, answer, askedMs, nowMs: this.#clock.now() });
  }

  async #ask(read: Read): Promise<ReadAnswer> {
    switch (read.ask) {
      case "revision":
        return { to: "revision", revision: await this.#store.revision() };
      case "changes": {
        const changes = await this.#store.changes(read.since);
        // At the first sight of the archive, nothing in it is news.
        const isNews = this.#state.knowledge.mark !== null;
        this.#apply({ kind: "changes", changes, isNews, noticedMs: this.#noticedMs() });
        return { to: "changes", changes, present: this.#reader.countPresent() };
      }
      default: {
        const isNews = this.isComplete;
        const ids = this.#reader.idsFor(read);
        const rows = ids.length === 0 ? new Map<SessionId, SessionVersion>() : await this.#store.states(ids);
        this.#apply({ kind: "rows", ids, rows, isNews, noticedMs: this.#noticedMs() });
        return { to: "sessions" };
      }
    }
  }

  /** Reports the end of an outage before the changes of that time. */
  #apply(observation: Observation): void {
    this.#see({ kind: "readable", nowMs: this.#clock.now() });
    this.#reader.observe(observation);
  }

  #noticedMs(): number {
    return this.#state.look?.noticedMs ?? this.#clock.now();
  }

  #schedulePoll(atMs: number | null): void {
    this.#cancelPoll();
    this.#cancelPoll =
      atMs === null
        ? () => undefined
        : this.#clock.after(atMs - this.#clock.now(), () => {
            this.#see({
              kind: "poll",
              hasArrivals: this.#reader.hasArrivals(),
              nowMs: this.#clock.now(),
            });
            this.#reader.observe({ kind: "polled" });
          });
  }
}
