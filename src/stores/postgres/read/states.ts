/** Reads the states of some sessions, as polls need them. */

import type { Clock } from "../../../async/clock.ts";
import type { SessionId, SessionVersion } from "../../../session/session.ts";
import type { Run } from "../sql/statement.ts";
import { shapeOf } from "./introspection.ts";
import type { IntrospectedTables } from "./introspection.ts";
import { isKept, sessionsOf, stateColumns, statesOf } from "./sessions.ts";
import {
  comparable,
  countSql,
  isContinued,
  isWrittenSince,
  oldestRunning,
  snapshotRows,
  snapshotSql,
  StaleTables,
} from "./snapshot.ts";
import type { ServerMoment } from "./snapshot.ts";

type States = Map<SessionId, SessionVersion>;

/** Fewer sessions than this are read each time: that costs no more than to remember them. */
const REMEMBERED_MIN = 100;

/**
 * How long (ms) the archive's signature counts as unchanged where few sessions are read: to check it costs the server
 * more than those sessions do, and there can be hundreds of notifications a second.
 */
const SAME_MS = 1000;

/** The states of the last read, kept up to date. */
interface Remembered {
  tables: IntrospectedTables;
  ids: readonly SessionId[];
  moment: ServerMoment;
  states: States;
}

/** Remembers the states of the last read, so that reading the same many sessions again brings only what changed. */
export class StateReader {
  readonly #clock: Clock;
  #remembered: Remembered | null = null;
  #checked: { tables: IntrospectedTables; atMs: number } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Usually one statement. Leaves out sessions that are missing or in the trash; an unchanged state is the same object
   * as before.
   *
   * @throws StaleTables
   */
  async read(run: Run, tables: IntrospectedTables, ids: readonly SessionId[]): Promise<States> {
    const known = this.#remembered;
    if (known?.tables === tables && isSame(known.ids, ids)) {
      const states = await readSince(run, known);
      if (states !== null) return new Map(states);
    }
    const checked = this.#checked;
    const isChecked = checked?.tables === tables && this.#clock.now() - checked.atMs < SAME_MS;
    if (isChecked && ids.length < REMEMBERED_MIN) {
      const few = await readFew(run, tables, ids);
      // Without a row, the signature was not checked.
      if (few.size > 0) return few;
    }
    const rows = await run(snapshotSql(tables, isWanted(tables)), [idsParameter(tables, ids)]);
    const found = snapshotRows(tables, rows);
    this.#checked = { tables, atMs: this.#clock.now() };
    const states = statesOf(tables, found.rows);
    if (ids.length >= REMEMBERED_MIN && tables.hasRowVersions)
      this.#remembered = { tables, ids, moment: found, states: new Map(states) };
    return states;
  }
}

/** Checks only the shape of the table, not its triggers. @throws StaleTables */
async function readFew(run: Run, tables: IntrospectedTables, ids: readonly SessionId[]): Promise<States> {
  const rows = await run(
    `SELECT ${stateColumns(tables)}, ${shapeOf(tables.objectId)} AS shape
     FROM ${sessionsOf(tables)} WHERE ${isWanted(tables)}`,
    [idsParameter(tables, ids)],
  );
  // Versions cover all columns: with the old columns, every session would seem to change now, and again later.
  if (rows.some(({ shape }) => !tables.signature.startsWith(String(shape)))) throw new StaleTables();
  return statesOf(tables, rows);
}

/** Updates what is remembered. @returns null if sessions are gone, or the server is another one. */
async function readSince(run: Run, remembered: Remembered): Promise<States | null> {
  const { tables, ids, moment, states } = remembered;
  const where = isWanted(tables);
  const rows = await run(
    snapshotSql(tables, `${isWrittenSince("$2", "$3")} AND ${where}`, countSql(tables, where, "$2")),
    [idsParameter(tables, ids), comparable(moment), oldestRunning(moment)],
  );
  const found = snapshotRows(tables, rows);
  if (!isContinued(moment, found)) return null;
  for (const [id, state] of statesOf(tables, found.rows)) states.set(id, state);
  if (found.total !== null && found.total !== states.size) return null;
  remembered.moment = found;
  return states;
}

/** SQL for whether a session exists and is one of those in the first parameter. */
function isWanted(tables: IntrospectedTables): string {
  return `id = ANY (ARRAY(SELECT pg_catalog.json_array_elements_text($1::text::json))) AND ${isKept(tables)}`;
}

function idsParameter({ canHold }: IntrospectedTables, ids: readonly SessionId[]): string {
  return JSON.stringify(ids.filter(canHold));
}

function isSame(a: readonly SessionId[], b: readonly SessionId[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}
