/** A row of the table `session`. */

import type { SessionId } from "../../session/session.ts";
import type { Rows } from "../agent.ts";
import { asName } from "../shared/json.ts";
import { rawIdOf } from "./tokens.ts";
import { msOf } from "../shared/times.ts";
import { columnsOf, jsonOf } from "./values.ts";

/** Where a session is cut off: this message, or from this part of it on, is hidden with everything after it. */
interface Revert {
  messageId: string;
  partId: string | null;
}

export interface SessionRow {
  /** Without the agent's name. */
  id: string;
  parentId: string | null;
  directory: string | null;
  title: unknown;
  version: unknown;
  createdMs: number | null;
  writtenMs: number | null;
  revert: Revert | null;
}

/** Never `*`: columns come and go between releases, and others are not ours to read. */
const TEXTS = ["id", "parent_id", "directory", "title", "version", "revert"];
const TIMES = ["time_created", "time_updated"];

/** @returns null if there is no such session. */
export function sessionRow(rows: Rows, sessionId: SessionId): SessionRow | null {
  const has = rows.columns("session");
  if (!has.has("id")) return null;
  const [row] = rows.all(
    `SELECT ${columnsOf(has, TEXTS, TIMES)} FROM session WHERE id = ?`,
    rawIdOf(sessionId),
  );
  const id = asName(row?.["id"]);
  if (row === undefined || id === null) return null;
  const parentId = asName(row["parent_id"]);
  return {
    id,
    // A reader that goes from session to parent must come to an end.
    parentId: parentId === id ? null : parentId,
    directory: asName(row["directory"]),
    title: row["title"],
    version: row["version"],
    createdMs: msOf(row["time_created"]),
    writtenMs: msOf(row["time_updated"]),
    revert: revertOf(row["revert"]),
  };
}

function revertOf(value: unknown): Revert | null {
  const revert = jsonOf(value);
  const messageId = asName(revert?.["messageID"]);
  return messageId === null ? null : { messageId, partId: asName(revert?.["partID"]) };
}
