/** Makes sessions of rows, the same for every store. */

import { createHash } from "node:crypto";
import { shownNames } from "../../session/column.ts";
import {
  activityColumns,
  SESSION_COLUMNS,
  traitColumns,
  versionInputs,
} from "../../session/session-columns.ts";
import type { SessionColumn } from "../../session/session-column.ts";
import type { Session, SessionVersion, Version } from "../../session/session.ts";

export type ArchiveRow = Record<string, unknown>;

/** The columns of an archive by their use. The order is the same for every reader. */
export interface KnownColumns {
  version: readonly string[];
  shown: readonly string[];
  traits: readonly string[];
  activity: readonly string[];
}

/**
 * @param has the columns of the archive's `sessions`.
 * @param columns the table of columns.
 */
export function sessionColumns(
  has: { has(column: string): boolean },
  columns: readonly SessionColumn[] = SESSION_COLUMNS,
): KnownColumns {
  const those = (names: readonly string[]): string[] => names.filter((name) => has.has(name));
  return {
    version: those(versionInputs(columns)),
    shown: those(shownNames(columns)),
    traits: those(traitColumns(columns)),
    activity: those(activityColumns(columns)),
  };
}

/** @returns the alias of a column that is read for the version. */
export function versionName(column: string): string {
  return `version_${column}`;
}

/** @param row has `id`, `source_token`, the traits, and the version's columns. */
export function stateOf(columns: KnownColumns, row: ArchiveRow): SessionVersion {
  return {
    version: versionOf(columns, row),
    messageCount: messageCountOf(row),
    sourceToken: textOrNull(row["source_token"]),
    project: textOrNull(row["project"]),
    agent: textOrNull(row["agent"]),
    machine: textOrNull(row["machine"]),
  };
}

/**
 * @param row has `id`, the columns that clients get, and the version's columns.
 * @param timeOf makes RFC 3339 UTC of a time that the archive stores.
 */
export function sessionOf(
  columns: KnownColumns,
  row: ArchiveRow,
  timeOf: (column: string, text: string) => string = asItIs,
): Session {
  const session: Record<string, unknown> = {
    id: String(row["id"]),
    version: versionOf(columns, row),
    message_count: messageCountOf(row),
  };
  for (const column of columns.shown) {
    const value = row[column];
    if (typeof value === "string") session[column] = timeOf(column, value);
    else if (value === null || typeof value === "number") session[column] = value;
    else if (typeof value === "boolean") session[column] = Number(value);
  }
  // The loop copies only columns of the type.
  return session as Session;
}

/** A digest fits into an SSE `id:` whatever the archive holds, and survives restarts. */
function versionOf({ version }: KnownColumns, row: ArchiveRow): Version {
  const inputs = version.map((column) => row[versionName(column)]);
  return createHash("sha256").update(JSON.stringify(inputs)).digest("base64url").slice(0, 16);
}

function messageCountOf(row: ArchiveRow): number {
  return Number(row[versionName("message_count")]);
}

function asItIs(_column: string, text: string): string {
  return text;
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
