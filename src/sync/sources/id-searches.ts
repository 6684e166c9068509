/** When a session that was not found may be searched for again: searches read everything, and clients can ask for any id. */

import { backoffMs } from "../../async/backoff.ts";
import type { SessionId } from "../../session/session.ts";

/** Between two searches for the same session. */
const SEARCH_BACKOFF = { firstMs: 1500, maxMs: 60_000 };
/** This many ids are remembered. */
const SEARCHES_MAX = 100;

export class IdSearches {
  /** The newest stand at the end. */
  readonly #searches = new Map<SessionId, { misses: number; nextMs: number }>();

  /** @returns whether a search may begin now; if so, it counts as a miss until `found` is called. */
  begin(id: SessionId, nowMs: number): boolean {
    const { nextMs, misses } = this.#searches.get(id) ?? { nextMs: 0, misses: 0 };
    if (nowMs < nextMs) return false;
    this.#searches.delete(id);
    this.#searches.set(id, { misses: misses + 1, nextMs: nowMs + backoffMs(misses + 1, SEARCH_BACKOFF) });
    const [oldest] = this.#searches.keys();
    if (this.#searches.size > SEARCHES_MAX && oldest !== undefined) this.#searches.delete(oldest);
    return true;
  }

  found(id: SessionId): void {
    this.#searches.delete(id);
  }
}
