/** The states of some sessions, as polls ask for them. */

import type { SessionId, SessionVersion } from "../../../session/session.ts";
import type { Run } from "../connect/run.ts";
import {
  comparable,
  countSql,
  isContinued,
  isWrittenSince,
  lookOf,
  lookSql,
  oldestRunning,
  StaleTables,
} from "./look.ts";
import type { Place } from "./look.ts";
import { isKept, sessionsOf, stateColumns, statesOf } from "./sessions.ts";
import { shapeOf } from "./tables.ts";
import type { Tables } from "./tables.ts";

type States = Map<SessionId, SessionVersion>;

/** Fewer sessions than this are read each time: they cost no more than what would be kept of them. */
const REMEMBERED_MIN = 100;

/**
 * How long (ms) an archive that was found to be as it was is taken for that where few sessions are read: to see it
 * again costs the server more than they do, and notices may come by the hundreds a second.
 */
const SAME_MS = 1000;

/** What was found at the last look. */
interface Found {
  tables: Tables;
  ids: readonly SessionId[];
  place: Place;
  states: States;
}

/** Whoever asks for the same many sessions again and again is brought only what has changed since. */
export class StateReader {
  #found: Found | null = null;
  #seen: { tables: Tables; atMs: number } | null = null;

  /**
   * One statement, as a rule. Sessions that are missing or in the trash are left out; a state that was not written is
   * the same object.
   *
   * @throws StaleTables
   */
  async read(run: Run, tables: Tables, ids: readonly SessionId[]): Promise<States> {
    const known = this.#found;
    if (known?.tables === tables && isSame(known.ids, ids)) {
      const states = await readSince(run, known);
      if (states !== null) return new Map(states);
    }
    const where = isWanted(tables);
    const seen = this.#seen;
    const isSeen = seen?.tables === tables && performance.now() - seen.atMs < SAME_MS;
    if (isSeen && ids.length < REMEMBERED_MIN) {
      const few = await readFew(run, tables, ids);
      // Where there is no row, nothing was seen of the archive either.
      if (few.size > 0) return few;
    }
    const look = lookOf(tables, await run(lookSql(tables, where), [idsParameter(tables, ids)]));
    this.#seen = { tables, atMs: performance.now() };
    const states = statesOf(tables, look.rows);
    if (ids.length >= REMEMBERED_MIN && tables.hasRowVersions)
      this.#found = { tables, ids, place: look, states: new Map(states) };
    return states;
  }
}

/** Asks for less than a look does: whether the archive tells of its changes is no matter here. @throws StaleTables */
async function readFew(run: Run, tables: Tables, ids: readonly SessionId[]): Promise<States> {
  const rows = await run(
    `SELECT ${stateColumns(tables)}, ${shapeOf(tables.objectId)} AS shape
     FROM ${sessionsOf(tables)} WHERE ${isWanted(tables)}`,
    [idsParameter(tables, ids)],
  );
  // Versions are made of all columns: those of a moment ago would say that a session has changed, and again later.
  if (rows.some(({ shape }) => !tables.signature.startsWith(String(shape)))) throw new StaleTables();
  return statesOf(tables, rows);
}

/** @returns what is found now, kept in `found`; null if some have gone, or the server is another one. */
async function readSince(run: Run, found: Found): Promise<States | null> {
  const { tables, ids, place, states } = found;
  const where = isWanted(tables);
  const rows = await run(
    lookSql(tables, `${isWrittenSince("$2", "$3")} AND ${where}`, countSql(tables, where, "$2")),
    [idsParameter(tables, ids), comparable(place), oldestRunning(place)],
  );
  const look = lookOf(tables, rows);
  if (!isContinued(place, look)) return null;
  for (const [id, state] of statesOf(tables, look.rows)) states.set(id, state);
  if (look.total !== null && look.total !== states.size) return null;
  found.place = look;
  return states;
}

/** SQL for whether a session is there, and one of those in the first parameter. */
function isWanted(tables: Tables): string {
  return `id = ANY (ARRAY(SELECT pg_catalog.json_array_elements_text($1::text::json))) AND ${isKept(tables)}`;
}

function idsParameter({ canHold }: Tables, ids: readonly SessionId[]): string {
  return JSON.stringify(ids.filter(canHold));
}

function isSame(a: readonly SessionId[], b: readonly SessionId[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}
