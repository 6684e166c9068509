/** Which sessions an archive has told of since all of them were last looked at. */

import type { SessionId } from "../../../session/session.ts";

/** So many are remembered: whoever follows all sessions asks for them with every poll. */
const TOLD_MAX = 1000;

export class Told {
  #ids = new Set<SessionId>();
  #overflows = 0;

  /** Differs from what it was as soon as ids were forgotten, because there were too many. */
  get overflows(): number {
    return this.#overflows;
  }

  add(ids: Iterable<SessionId>): void {
    for (const id of ids) this.#ids.add(id);
    if (this.#ids.size <= TOLD_MAX) return;
    this.#ids.clear();
    this.#overflows += 1;
  }

  /**
   * @returns the ids, which are not remembered any more; what is told from now on may be newer than what is read of
   *   them.
   */
  take(): ReadonlySet<SessionId> {
    const ids = this.#ids;
    this.#ids = new Set();
    return ids;
  }
}
