/** Reads the archive when it may have changed: asks what `plan()` decides, and gives the answers to the feed. */

import type { Clock } from "../../async/clock.ts";
import type { StatusEvent } from "../../session/events.ts";
import type { SessionId, SessionVersion } from "../../session/session.ts";
import type { Changes, Store } from "../ports.ts";
import { plan } from "./plan.ts";
import { isComplete, NOT_POLLING } from "./polling-state.ts";
import type { Answer, Following, Read, Seen } from "./polling-state.ts";

/** What is true of everything that one read has brought. */
export interface Circumstances {
  /** A session that was not known before was not in the archive before. */
  isNews: boolean;
  /** When (ms) there was the first sign of it. */
  noticedMs: number;
}

/** What comes of reading. */
export type Observation =
  /** The rows of these sessions; those that are missing or in the trash have none. */
  | ({
      kind: "rows";
      ids: readonly SessionId[];
      rows: ReadonlyMap<SessionId, SessionVersion>;
    } & Circumstances)
  | ({ kind: "changes"; changes: Changes } & Circumstances)
  /** What was read before is known from now on: arriving subscribers join before anything else is read. */
  | { kind: "known" }
  | { kind: "status"; status: StatusEvent }
  /** The archive cannot be read now. */
  | { kind: "failed"; error: unknown }
  /** A look at everything that is due is over; it took `ms`. */
  | { kind: "looked"; ms: number }
  /** A poll interval is over. */
  | { kind: "polled" };

/** Who follows sessions. */
export interface Reader {
  /** @returns the sessions to read: for arriving subscribers, all that are followed, or those of `read` that are. */
  idsFor(read: Read & { ask: "arrivals" | "followed" | "sessions" }): readonly SessionId[];
  /** Applies what was read before it returns. */
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

  /** What subscribers were told of an outage that goes on; null while the archive can be read. */
  get degraded(): StatusEvent | null {
    return this.#state.outage.mode === "reported" ? this.#state.outage.event : null;
  }

  /** Whether every session of the archive is known. */
  get isComplete(): boolean {
    return isComplete(this.#state);
  }

  /** While nothing is followed, there is no timer and no query. */
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

  /** Reads what arriving subscribers wait for: before this returns, unless another read is under way. */
  arrive(): void {
    this.#see({ kind: "arrival", nowMs: this.#clock.now() });
  }

  /** Sessions have changed; null means that it may be any. */
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

  /** Hints of one moment become one look. */
  async #beginTurn(): Promise<void> {
    await Promise.resolve();
    this.#see({ kind: "turn", nowMs: this.#clock.now() });
  }

  async #perform(read: Read): Promise<void> {
    const askedMs = this.#clock.now();
    let answer: Answer;
    try {
      answer = await this.#ask(read);
    } catch (error) {
      this.#see({ kind: "failure", read, error, askedMs, nowMs: this.#clock.now() });
      return;
    }
    this.#see({ kind: "answer", read, answer, askedMs, nowMs: this.#clock.now() });
  }

  async #ask(read: Read): Promise<Answer> {
    switch (read.ask) {
      case "revision":
        return { to: "revision", revision: await this.#store.revision() };
      case "changes": {
        const changes = await this.#store.changes(read.since);
        // Who sees the archive for the first time takes it as it is.
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

  /** The end of an outage is told before what has changed meanwhile. */
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
