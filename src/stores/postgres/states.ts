/** What polls ask: the states of some sessions, or of all, and whether the archive still is as it was found. */

import type { SessionId, SessionState } from "../../watch/session.ts";
import type { Row, Run } from "./link.ts";
import { isKept, sessionsOf, stateColumns, statesOf } from "./sessions.ts";
import { signatureOf } from "./tables.ts";
import type { Tables } from "./tables.ts";
import { isStorable } from "./text.ts";

/** The archive is not as it was found any more: look at its tables again, and then repeat the question. */
export class StaleTables extends Error {
  override readonly name = "StaleTables";

  constructor() {
    super("the archive's tables have changed");
  }
}

/**
 * One statement. Sessions that are missing or in the trash are left out.
 *
 * @throws StaleTables
 */
export async function readStates(
  run: Run,
  tables: Tables,
  ids: readonly SessionId[],
): Promise<Map<SessionId, SessionState>> {
  const rows = await run(
    `SELECT ${stateColumns(tables)} FROM ${sessionsOf(tables)}
     WHERE id = ANY (ARRAY(SELECT pg_catalog.json_array_elements_text($1::text::json))) AND ${isKept(tables)}
     UNION ALL ${lookRow(tables)}`,
    [JSON.stringify(ids.filter(isStorable))],
  );
  return statesOf(tables, takeApart(tables, rows).sessions);
}

/**
 * Also that the sessions could be read: asking for none of them takes the same lock and needs the same permission.
 *
 * @throws StaleTables
 */
export async function checkSignature(run: Run, tables: Tables): Promise<void> {
  const [row] = await run(
    `SELECT ${signatureOf(String(tables.objectId))} AS signature, (SELECT id FROM ${sessionsOf(tables)} WHERE false) AS none`,
  );
  if (row?.["signature"] !== tables.signature) throw new StaleTables();
}

/**
 * SQL for a row that tells of the look itself.
 *
 * @param more what it has beyond the columns of a state.
 */
export function lookRow({ columns, objectId }: Tables, more: readonly string[] = []): string {
  const nothing = [...columns.traits, ...columns.version].map(() => "NULL");
  return `SELECT ${["NULL", signatureOf(String(objectId)), ...nothing, ...more].join(", ")}`;
}

/**
 * Takes the rows of sessions and the one that tells of the look apart: that one has no id, and the archive's signature in
 * place of a token.
 *
 * @throws StaleTables
 */
export function takeApart({ signature }: Tables, rows: readonly Row[]): { look: Row; sessions: Row[] } {
  const look = rows.find((row) => row["id"] === null);
  if (look?.["source_token"] !== signature) throw new StaleTables();
  return { look, sessions: rows.filter((row) => row !== look) };
}
