/** The SQL of a sync. The archive begins and ends the transaction. */

import { syncedNames } from "../../../session/column.ts";
import type { Column } from "../../../session/column.ts";
import { MESSAGE_COLUMNS } from "../../../session/message-columns.ts";
import { TOOL_CALL_COLUMNS } from "../../../session/tool-call-columns.ts";
import type { MessageColumn } from "../../../session/message-columns.ts";
import { SESSION_COLUMNS } from "../../../session/session-columns.ts";
import { SYNC_FILE_COLUMNS } from "../../../session/sync-columns.ts";
import { USAGE_COLUMNS } from "../../shared/draft-rows.ts";
import { mergedColumn } from "../../shared/saved-session.ts";
import type { RowStatement } from "../database/sqlite-connection.ts";

export const SELECT_SESSION = `
  SELECT deleted_at, message_count, user_message_count, total_output_tokens, peak_context_tokens
  FROM sessions WHERE id = ?`;
export const SELECT_EXCLUDED = "SELECT 1 FROM excluded_sessions WHERE id = ?";
/** Takes the ids as a JSON list. */
export const SELECT_OFF_LIMITS = `
  SELECT value AS id FROM json_each(?) WHERE value IN (SELECT id FROM excluded_sessions)
    OR EXISTS (SELECT 1 FROM sessions WHERE sessions.id = value AND deleted_at IS NOT NULL)`;
/** The folders in which sessions ran, those of the latest activity first. */
export const SELECT_PROJECT_FOLDERS = `
  SELECT cwd FROM sessions WHERE cwd IS NOT NULL AND cwd <> '' GROUP BY cwd
  ORDER BY max(COALESCE(ended_at, started_at, created_at)) DESC LIMIT ?`;
/** Messages need their session's row, and the first sync saves the facts at its end. */
export const INSERT_SESSION = "INSERT OR IGNORE INTO sessions (id, machine, created_at) VALUES (?, ?, ?)";

export const UPSERT_SESSION = upsertSession(SESSION_COLUMNS);

/** Updates a row that exists as `mergedColumn()` says. */
export function upsertSession(table: readonly Column[]): RowStatement {
  const columns = syncedNames(table);
  const set = columns.map((name) => `${name} = ${mergedColumn(name)}`).join(", ");
  return { sql: `${insertInto("sessions", columns)} ON CONFLICT (id) DO UPDATE SET ${set}`, columns };
}

/** A session without a row counts as never synced. */
export const SELECT_SYNC_STATE =
  "SELECT revision, parser_state FROM sync_state JOIN sessions ON id = session_id WHERE session_id = ?";
export const UPSERT_SYNC_STATE = `
  INSERT INTO sync_state (session_id, revision, parser_state) VALUES (?, ?, ?)
  ON CONFLICT (session_id) DO UPDATE SET revision = excluded.revision, parser_state = excluded.parser_state`;

/** As text: nanoseconds and inodes do not fit into a JavaScript number. */
export const SELECT_SYNC_FILES = `
  SELECT path, token, offset, fingerprint,
    CAST(mtime AS TEXT) AS mtime, CAST(inode AS TEXT) AS inode, CAST(device AS TEXT) AS device
  FROM sync_files WHERE session_id = ? ORDER BY position`;
export const UPSERT_SYNC_FILE: RowStatement = {
  sql: insertInto("sync_files", syncedNames(SYNC_FILE_COLUMNS), "INSERT OR REPLACE"),
  columns: syncedNames(SYNC_FILE_COLUMNS),
};
export const DELETE_SYNC_FILES = "DELETE FROM sync_files WHERE session_id = ? AND position >= ?";
/** The files of all sessions as one JSON text. */
export const SELECT_SYNCED_FILES = `
  SELECT json_group_array(json_array(session_id, revision, path, token, offset)) AS files FROM (
    SELECT session_id, revision, path, token, offset FROM sync_files JOIN sync_state USING (session_id)
    JOIN sessions ON id = session_id ORDER BY session_id, position)`;

export const SELECT_BY_KEY = `
  SELECT id, content_length, has_thinking, has_tool_use, block_hashes, ${USAGE_COLUMNS.join(", ")}
  FROM messages WHERE session_id = ? AND merge_key = ?`;
export const EXTEND_MESSAGE = extendMessage(MESSAGE_COLUMNS);
export const INSERT_MESSAGE = insertMessage(MESSAGE_COLUMNS);

export function extendMessage(table: readonly MessageColumn[]): RowStatement {
  const growing = table.filter(({ growth }) => growth !== undefined);
  const set = growing.map(({ name, growth }) => `${name} = ${growth === "appended" ? `${name} || ?` : "?"}`);
  return {
    sql: `UPDATE messages SET ${set.join(", ")} WHERE id = ?`,
    columns: [...growing.map(({ name }) => name), "id"],
  };
}

export function insertMessage(table: readonly Column[]): RowStatement {
  const columns = syncedNames(table);
  const isThere = "ON CONFLICT (session_id, merge_key) WHERE merge_key IS NOT NULL DO NOTHING";
  return { sql: `${insertInto("messages", columns)} ${isThere}`, columns };
}

export const SELECT_LAST_ORDINAL = "SELECT max(ordinal) AS ordinal FROM messages WHERE session_id = ?";
export const DELETE_MESSAGES = "DELETE FROM messages WHERE session_id = ?";

export const INSERT_CALL = insertCall(TOOL_CALL_COLUMNS);

export function insertCall(table: readonly Column[]): RowStatement {
  const columns = ["message_id", "session_id", ...syncedNames(table)];
  return { sql: insertInto("tool_calls", columns), columns };
}

export const SET_RESULT = `
  UPDATE tool_calls SET result_content = ?, result_content_length = ? WHERE session_id = ? AND tool_use_id = ?`;
/** Links are read from texts as well, so only calls that start subagents take one. */
export const SET_SUBAGENT = `
  UPDATE tool_calls SET subagent_session_id = ? WHERE session_id = ? AND tool_use_id = ? AND category = 'Task'`;
export const DELETE_CALLS = "DELETE FROM tool_calls WHERE session_id = ?";

const IS_PROMPT = "role = 'user' AND is_system = 0";
/** The same condition as `isTyped()` and the index `messages_by_predecessor`. */
const IS_TYPED = `${IS_PROMPT} AND is_sidechain = 0`;
export const SELECT_KEY = "SELECT 1 FROM messages WHERE session_id = ? AND merge_key = ?";
/** The plus keeps SQLite from searching the whole session in the order of ordinals for the minimum. */
export const SELECT_SIBLING = `
  SELECT min(+ordinal) AS ordinal FROM messages WHERE session_id = ? AND source_parent_uuid = ? AND ${IS_TYPED}`;
export const SELECT_LAST_PROMPTS = `
  SELECT min(ordinal) AS ordinal FROM
    (SELECT ordinal FROM messages WHERE session_id = ? AND ${IS_TYPED} ORDER BY ordinal DESC LIMIT ?)`;
/** Says which of the retracted messages a person had typed; by then all of them are on the side chain. */
const RETURNING_TYPED = `RETURNING ${IS_PROMPT} AS is_typed`;
export const RETRACT_FROM = `
  UPDATE messages SET is_sidechain = 1 WHERE session_id = ? AND ordinal >= ? AND is_sidechain = 0 ${RETURNING_TYPED}`;
export const RETRACT_UUIDS = `
  UPDATE messages SET is_sidechain = 1
  WHERE session_id = ? AND source_uuid IN (SELECT value FROM json_each(?)) AND is_sidechain = 0 ${RETURNING_TYPED}`;

function insertInto(table: string, columns: readonly string[], insert = "INSERT"): string {
  return `${insert} INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;
}
