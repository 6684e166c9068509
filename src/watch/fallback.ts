/** Syncs sessions directly whose rows lag behind their transcripts. */

import type { Audience, Followed } from "./subscribers.ts";
import type { Engine } from "./ports.ts";
import type { SessionId, SourceToken } from "../session/session.ts";
import type { Step } from "./step.ts";

/** So many transcripts are looked at at a poll: with thousands of followed sessions it would cost more than all else. */
export const TRANSCRIPTS_PER_POLL = 32;

export interface FallbackOptions {
  engine: Engine;
  /** What is to be done about a session whose transcript has this token now. */
  decide: (followed: Followed, source: SourceToken | null) => Step["action"];
  /** Looks at the archive: a session was synced. */
  wake: () => Promise<void>;
  /** A direct sync failed; it will be tried again. */
  onError: (id: SessionId, error: unknown) => void;
}

export class Fallback {
  readonly #options: FallbackOptions;

  constructor(options: FallbackOptions) {
    this.#options = options;
  }

  /** All transcripts at each poll, or where there are very many, some: those that lag, and others in turn. */
  lookAtAll(audience: Audience): void {
    const inTurn = new Set(audience.inTurn(TRANSCRIPTS_PER_POLL));
    for (const followed of audience.followed()) {
      const lags = typeof followed.known.state?.syncAtMs === "number";
      if (lags || inTurn.has(followed)) void this.lookAt(followed);
    }
  }

  /** Runs beside the looks at the archive, so that a slow transcript or file system delays no other session. */
  async lookAt(followed: Followed): Promise<void> {
    const { engine, decide, wake, onError } = this.#options;
    const { id } = followed.known;
    if (!followed.isRead || followed.isBusy) return;
    followed.isBusy = true;
    try {
      const source = await engine.sourceToken(id);
      if (decide(followed, source) !== "sync") return;
      await engine.sync(id);
      await wake();
    } catch (error) {
      onError(id, error);
    } finally {
      followed.isBusy = false;
    }
  }
}
