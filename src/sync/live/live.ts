/** Syncs sessions as they are written: notifications first, a poll for changes that they miss. */

import { oncePer } from "../../async/once.ts";
import type { Clock } from "../../async/clock.ts";
import type { SessionId } from "../../session/session.ts";
import { Attempts } from "./attempts.ts";
import type { Failure, Source } from "../sources/source.ts";
import type { Follower, FollowerOptions } from "./follower.ts";
import { followersOf } from "./followers.ts";

/** The engine, as far as it is followed. */
interface Followable {
  sources: readonly Source[];
  sourceOf(id: SessionId): Source;
}

export interface LiveOptions extends FollowerOptions {
  pollIntervalMs: number;
  /** Follow this session alone. */
  only?: SessionId;
  /** A session, or everything, cannot be synced now; it is retried. The same failure is reported once. */
  onFailure: (failure: Failure) => void;
}

export class LiveSync {
  readonly #clock: Clock;
  readonly #pollIntervalMs: number;
  readonly #attempts: Attempts;
  /** Each follower polls on its own, so that a hanging one delays no other. */
  readonly #followers: readonly Follower[];
  readonly #polls = new Map<Follower, () => void>();
  #stopped = false;

  constructor(engine: Followable, clock: Clock, options: LiveOptions) {
    const { pollIntervalMs, only, onFailure } = options;
    this.#clock = clock;
    this.#pollIntervalMs = pollIntervalMs;
    this.#attempts = new Attempts(clock, { firstWaitMs: pollIntervalMs, onFailure });
    const tools = {
      attempts: this.#attempts,
      clock,
      options: {
        ...options,
        onUncovered: oncePer((_folder: string, _error: unknown) => "", options.onUncovered),
      },
    };
    this.#followers =
      only === undefined
        ? engine.sources.flatMap((source) => followersOf(source, tools))
        : followersOf(engine.sourceOf(only), tools, only);
  }

  /** How many transcripts are known to be behind and wait to be synced. */
  get waiting(): number {
    return this.#followers.reduce((sum, { waiting }) => sum + waiting, 0);
  }

  /** Resolves when everything that exists is synced; notifications are on before that, so no change is missed. */
  async start(): Promise<void> {
    await Promise.all(this.#followers.map((follower) => this.#poll(follower)));
  }

  stop(): void {
    this.#stopped = true;
    this.#attempts.stop();
    for (const cancel of this.#polls.values()) cancel();
    for (const follower of this.#followers) follower.close();
  }

  async #poll(follower: Follower): Promise<void> {
    try {
      await follower.look();
      this.#attempts.succeeded(follower.name);
    } catch (error) {
      this.#attempts.failed({ id: null, path: follower.name, error });
    }
    if (this.#stopped) return;
    this.#polls.set(
      follower,
      this.#clock.after(this.#pollIntervalMs, () => void this.#poll(follower)),
    );
  }
}
