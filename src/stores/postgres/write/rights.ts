/** The rights that a role needs to sync into our own archive. */

import { literal, quoted } from "../sql/quoting.ts";
import type { ResultRow } from "../sql/statement.ts";

const TO_EXTEND = ["SELECT", "INSERT", "UPDATE"];
const TO_REPLACE = ["SELECT", "INSERT", "DELETE"];
const ALL = ["SELECT", "INSERT", "UPDATE", "DELETE"];

/** By table. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  sessions: TO_EXTEND,
  messages: ALL,
  tool_calls: ALL,
  sync_state: TO_EXTEND,
  sync_files: TO_REPLACE,
  excluded_sessions: ["SELECT"],
};

/** @returns a query for one row. @see obstacleOf */
export function rightsSql(schema: string): string {
  const needed = Object.entries(NEEDED).flatMap(([table, rights]) =>
    rights.map((right) => `(${literal(table)}, ${literal(`${quoted(schema)}.${table}`)}, ${literal(right)})`),
  );
  return `
    SELECT current_user AS role, pg_catalog.pg_is_in_recovery() AS is_standby,
      pg_catalog.json_agg(json_build_array(of_table, its_right))
        FILTER (WHERE NOT pg_catalog.has_table_privilege(name, its_right)) AS missing
    FROM (VALUES ${needed.join(", ")}) AS needed (of_table, name, its_right)`;
}

/** @returns why the archive cannot be written to, as a clause; null if it can be. */
export function obstacleOf({ role, is_standby, missing }: ResultRow): string | null {
  if (is_standby === true) return "the server is a standby";
  if (!Array.isArray(missing)) return null;
  const lacking = missing as [table: string, right: string][];
  const rights = ALL.filter((right) => lacking.some((each) => each[1] === right));
  const tables = new Set(lacking.map(([table]) => table));
  return `the role ${quoted(String(role))} lacks ${rights.join(", ")} on ${[...tables].join(", ")}`;
}
