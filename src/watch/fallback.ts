/** Syncs sessions whose rows lag behind their transcripts. */

import type { Subscribers, Followed } from "./subscribers.ts";
import type { Engine } from "./ports.ts";
import type { SessionId, SourceToken } from "../session/session.ts";
import type { Step } from "./step.ts";

/** How many transcripts a poll checks: checking thousands would cost more than everything else. */
export const TRANSCRIPTS_PER_POLL = 32;

export interface FallbackOptions {
  /** What to do about a session whose transcript has this token now. */
  decide: (followed: Followed, source: SourceToken | null) => Step["action"];
  /** The archive has changed. */
  onSynced: (id: SessionId) => void;
  /** A direct sync failed; it is tried again. */
  onError: (id: SessionId, error: unknown) => void;
}

export class Fallback {
  readonly #engine: Engine;
  readonly #options: FallbackOptions;

  constructor(engine: Engine, options: FallbackOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  /** Checks all transcripts; if there are very many, those that lag and some of the others in turn. */
  lookAtAll(subscribers: Subscribers): void {
    const inTurn = new Set(subscribers.inTurn(TRANSCRIPTS_PER_POLL));
    for (const followed of subscribers.followed()) {
      const lags = typeof followed.known.state?.syncAtMs === "number";
      if (lags || inTurn.has(followed)) void this.lookAt(followed);
    }
  }

  /** Runs beside the polls, so that a slow file system delays no other session. */
  async lookAt(followed: Followed): Promise<void> {
    const { decide, onSynced, onError } = this.#options;
    const { id } = followed.known;
    if (!followed.isRead || followed.isBusy) return;
    followed.isBusy = true;
    try {
      const source = await this.#engine.sourceToken(id);
      if (decide(followed, source) !== "sync") return;
      await this.#engine.sync(id);
      onSynced(id);
    } catch (error) {
      onError(id, error);
    } finally {
      followed.isBusy = false;
    }
  }
}
