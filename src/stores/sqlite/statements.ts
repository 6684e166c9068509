/** The SQL of a sync. */

export const SELECT_SESSION = `
  SELECT path, source_token, offset, fingerprint, parser_state, deleted_at,
    CAST(file_mtime AS TEXT) AS file_mtime, CAST(file_inode AS TEXT) AS file_inode, CAST(file_device AS TEXT) AS file_device,
    message_count, user_message_count, total_output_tokens, peak_context_tokens
  FROM sessions LEFT JOIN sync_state ON session_id = id WHERE id = ?`;

export const SELECT_BY_KEY = `
  SELECT id, content, thinking_text, has_tool_use, block_hashes,
    token_usage, context_tokens, output_tokens, has_context_tokens, has_output_tokens
  FROM messages WHERE session_id = ? AND merge_key = ?`;

const SESSION_COLUMNS = [
  "id",
  "project",
  "agent",
  "first_message",
  "display_name",
  "started_at",
  "ended_at",
  "created_at",
  "message_count",
  "user_message_count",
  "file_path",
  "file_size",
  "file_mtime",
  "file_inode",
  "file_device",
  "parent_session_id",
  "relationship_type",
  "total_output_tokens",
  "has_total_output_tokens",
  "peak_context_tokens",
  "has_peak_context_tokens",
  "cwd",
  "git_branch",
  "source_session_id",
  "source_version",
  "parser_malformed_lines",
  "source_token",
];
export const UPSERT_SESSION = `
  INSERT INTO sessions (${SESSION_COLUMNS.join(", ")}) VALUES (${SESSION_COLUMNS.map((name) => `:${name}`).join(", ")})
  ON CONFLICT (id) DO UPDATE SET ${SESSION_COLUMNS.map((name) => `${name} = ${mergedColumn(name)}`).join(", ")}`;

/** A session whose records tell no time was created when it was first seen. */
function mergedColumn(name: string): string {
  return name === "created_at" ? "COALESCE(excluded.started_at, sessions.created_at)" : `excluded.${name}`;
}

export const UPSERT_SYNC_STATE = `
  INSERT INTO sync_state (session_id, path, offset, fingerprint, parser_state) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (session_id) DO UPDATE SET path = excluded.path, offset = excluded.offset,
    fingerprint = excluded.fingerprint, parser_state = excluded.parser_state`;

export const USAGE_COLUMNS = [
  "token_usage",
  "context_tokens",
  "output_tokens",
  "has_context_tokens",
  "has_output_tokens",
];
const EXTENDED_COLUMNS = [
  "content",
  "thinking_text",
  "has_thinking",
  "has_tool_use",
  "content_length",
  "block_hashes",
  ...USAGE_COLUMNS,
];
export const EXTEND_MESSAGE = `UPDATE messages SET ${EXTENDED_COLUMNS.map((name) => `${name} = :${name}`).join(", ")} WHERE id = :id`;

const MESSAGE_COLUMNS = [
  ...EXTENDED_COLUMNS,
  "session_id",
  "ordinal",
  "role",
  "timestamp",
  "is_system",
  "model",
  "claude_message_id",
  "claude_request_id",
  "source_type",
  "source_subtype",
  "source_uuid",
  "source_parent_uuid",
  "is_sidechain",
  "is_compact_boundary",
  "merge_key",
];
export const INSERT_MESSAGE = `
  INSERT INTO messages (${MESSAGE_COLUMNS.join(", ")}) VALUES (${MESSAGE_COLUMNS.map((name) => `:${name}`).join(", ")})`;

export const INSERT_CALL = `
  INSERT INTO tool_calls (message_id, session_id, tool_name, category, tool_use_id, input_json) VALUES (?, ?, ?, ?, ?, ?)`;
export const SET_RESULT = `
  UPDATE tool_calls SET result_content = ?, result_content_length = ? WHERE session_id = ? AND tool_use_id = ?`;
