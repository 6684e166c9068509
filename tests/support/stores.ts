/** Stores for tests of what stands above them: real ones, seen through a glass. */

import { systemClock } from "../../src/runtime/clock.ts";
import { openSqlite } from "../../src/stores/sqlite/open.ts";
import type { Archive } from "../../src/watch/archive.ts";
import type { Store } from "../../src/watch/ports.ts";

/** @returns the store of an archive that exists; nothing is ever created. */
export function openForeign(path: string): Store {
  return openSqlite(path, { isDefault: false, readOnly: false, clock: systemClock }).store;
}

/** @returns our own archive, created if there is none. */
export function openOwn(path: string): Archive {
  const { archive } = openSqlite(path, { isDefault: true, readOnly: false, clock: systemClock });
  if (archive === undefined) throw new Error("our own archive can be written");
  return archive;
}

/** A real store whose reads are counted and whose hints can be held back. */
export interface Observed {
  store: Store;
  /** The ids of each batched read. */
  reads: string[][];
  /** Where each read of all sessions went on from. */
  marks: (string | null)[];
  /** Reads of the archive's revision. */
  revisions: number;
  /** Who wants to be told of hints. */
  listeners: number;
}

/** @param hints false makes the store one without notifications: only the poll is left. */
export function observe(store: Store, { hints = true }: { hints?: boolean } = {}): Observed {
  const observed: Observed = {
    reads: [],
    marks: [],
    revisions: 0,
    listeners: 0,
    store: {
      revision() {
        observed.revisions += 1;
        return store.revision();
      },
      states(ids) {
        observed.reads.push([...ids]);
        return store.states(ids);
      },
      changes(mark) {
        observed.marks.push(mark);
        return store.changes(mark);
      },
      onHint(hint) {
        observed.listeners += 1;
        const forget = hints ? store.onHint(hint) : () => undefined;
        return () => {
          observed.listeners -= 1;
          forget();
        };
      },
      list: (query) => store.list(query),
      get: (id) => store.get(id),
      idsStartingWith: (prefix, limit) => store.idsStartingWith(prefix, limit),
      messages: (id, query) => store.messages(id, query),
      close: () => store.close(),
    },
  };
  return observed;
}
