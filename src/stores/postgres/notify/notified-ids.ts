/** The sessions that notifications have named since they were last read. */

import type { SessionId } from "../../../session/session.ts";

/** More ids than this are forgotten: with each poll they are all queried. */
const IDS_MAX = 1000;

export class NotifiedIds {
  #ids = new Set<SessionId>();
  #overflows = 0;

  /** Changes whenever ids were forgotten because there were too many. */
  get overflows(): number {
    return this.#overflows;
  }

  add(ids: Iterable<SessionId>): void {
    for (const id of ids) this.#ids.add(id);
    if (this.#ids.size <= IDS_MAX) return;
    this.#ids.clear();
    this.#overflows += 1;
  }

  /** @returns the ids, and forgets them: a session that is named again changed after it is read. */
  take(): ReadonlySet<SessionId> {
    const ids = this.#ids;
    this.#ids = new Set();
    return ids;
  }
}
