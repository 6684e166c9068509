/** The SQL of a sync into one schema; the writer runs it in a transaction. */

import { syncedNames } from "../../../session/column.ts";
import type { Column } from "../../../session/column.ts";
import { MESSAGE_COLUMNS } from "../../../session/message-columns.ts";
import { TOOL_CALL_COLUMNS } from "../../../session/tool-call-columns.ts";
import type { MessageColumn } from "../../../session/message-columns.ts";
import { SESSION_COLUMNS } from "../../../session/session-columns.ts";
import { SYNC_FILE_COLUMNS, SYNC_STATE_COLUMNS } from "../../../session/sync-columns.ts";
import { USAGE_COLUMNS } from "../../shared/draft-rows.ts";
import type { CellRow } from "../../shared/draft-rows.ts";
import { mergedColumn } from "../../shared/saved-session.ts";
import { dollarQuoted, literal, quoted } from "../sql/quoting.ts";
import { storable } from "../sql/storable-text.ts";
import { clampInteger } from "./cell.ts";
import { Recordset } from "./recordset.ts";

const GROWING: readonly MessageColumn[] = MESSAGE_COLUMNS.filter((column) => "growth" in column);

const MESSAGES = new Recordset(synced(MESSAGE_COLUMNS));
const EXTENSIONS = new Recordset([...GROWING, ...named(MESSAGE_COLUMNS, "ordinal")]);
const CALLS = new Recordset([
  ...named(TOOL_CALL_COLUMNS, "session_id", "message_ordinal", "call_index"),
  ...synced(TOOL_CALL_COLUMNS),
]);
const RESULTS = new Recordset(
  named(TOOL_CALL_COLUMNS, "tool_use_id", "result_content", "result_content_length"),
);
const SUBAGENTS = new Recordset(named(TOOL_CALL_COLUMNS, "tool_use_id", "subagent_session_id"));
const STATES = new Recordset(synced(SYNC_STATE_COLUMNS));
const FILES = new Recordset(synced(SYNC_FILE_COLUMNS));
const KEYS = new Recordset(named(MESSAGE_COLUMNS, "merge_key"));

/** As `isTyped()` has it, and the index `messages_by_predecessor`. */
const IS_TYPED = "role = 'user' AND NOT is_system AND NOT is_sidechain";

/** Statements without parameters, so that many of them can be sent together. */
export class SyncStatements {
  readonly #schema: string;
  readonly #sessions: Recordset;

  /** @param sessionColumns those of `sessions`. */
  constructor(schema: string, sessionColumns: readonly Column[] = SESSION_COLUMNS) {
    this.#schema = quoted(schema);
    this.#sessions = new Recordset(synced(sessionColumns));
  }

  /** One row, whether the session exists or not. */
  selectState(id: string): string {
    const asked = text(id);
    return `
      SELECT machine, deleted_at IS NOT NULL AS is_deleted,
        EXISTS (SELECT FROM ${this.#schema}.excluded_sessions WHERE id = ${asked}) AS is_excluded,
        message_count, user_message_count, total_output_tokens, peak_context_tokens,
        (SELECT max(ordinal) FROM ${this.#schema}.messages WHERE session_id = ${asked}) AS last_ordinal,
        revision, parser_state, (${this.#filesOf(asked)}) AS files
      FROM (SELECT) AS one
      LEFT JOIN ${this.#schema}.sessions ON id = ${asked}
      LEFT JOIN ${this.#schema}.sync_state ON session_id = id`;
  }

  selectSource(id: string): string {
    return `
      SELECT revision, parser_state, (${this.#filesOf(text(id))}) AS files
      FROM ${this.#schema}.sync_state WHERE session_id = ${text(id)}`;
  }

  /** Of these sessions, those that were deleted or belong to another machine. */
  selectOffLimits(ids: readonly string[], machine: string): string {
    const list = dollarQuoted(JSON.stringify(ids.map(storable)));
    return `
      SELECT id FROM json_array_elements_text(${list}::json) AS asked (id) LEFT JOIN ${this.#schema}.sessions USING (id)
      WHERE machine <> ${text(machine)} OR deleted_at IS NOT NULL
        OR EXISTS (SELECT FROM ${this.#schema}.excluded_sessions WHERE excluded_sessions.id = asked.id)`;
  }

  /** The folders in which sessions of a machine worked, the most recent first. */
  selectFolders(machine: string, limit: number): string {
    return `
      SELECT cwd FROM ${this.#schema}.sessions WHERE machine = ${text(machine)} AND cwd <> '' GROUP BY cwd
      ORDER BY max(COALESCE(ended_at, started_at, created_at)) DESC LIMIT ${clampInteger(limit)}`;
  }

  /** Of all sessions of a machine, as one JSON text. */
  selectSyncedFiles(machine: string): string {
    return `
      SELECT json_agg(json_build_array(session_id, revision, path, token, "offset")
        ORDER BY session_id, position) AS files
      FROM ${this.#schema}.sync_files JOIN ${this.#schema}.sync_state USING (session_id)
      JOIN ${this.#schema}.sessions ON id = session_id WHERE machine = ${text(machine)}`;
  }

  /** Creates the row that messages refer to, for syncs that send messages before the facts are known. */
  insertSession(id: string, machine: string): string {
    return `INSERT INTO ${this.#schema}.sessions (id, machine) VALUES (${text(id)}, ${text(machine)})
      ON CONFLICT (id) DO NOTHING`;
  }

  upsertSession(row: CellRow): string[] {
    const { names, columns } = this.#sessions;
    return this.#sessions.tables([row]).map(
      (table) => `
        INSERT INTO ${this.#schema}.sessions (${names}, updated_at)
        SELECT ${names}, clock_timestamp() FROM ${table}
        ON CONFLICT (id) DO UPDATE SET
          ${columns.map(({ name }) => `${name} = ${mergedColumn(name)}`).join(", ")},
          updated_at = clock_timestamp()`,
    );
  }

  /** Counts the prompts that are left once, after all retractions. */
  recountPrompts(id: string): string {
    return `
      UPDATE ${this.#schema}.sessions SET user_message_count =
        (SELECT count(*) FROM ${this.#schema}.messages WHERE session_id = ${text(id)} AND ${IS_TYPED})
      WHERE id = ${text(id)}`;
  }

  upsertState(row: CellRow): string[] {
    return STATES.tables([row]).map(
      (table) => `
        INSERT INTO ${this.#schema}.sync_state (${STATES.names}) SELECT ${STATES.names} FROM ${table}
        ON CONFLICT (session_id) DO UPDATE SET revision = excluded.revision, parser_state = excluded.parser_state`,
    );
  }

  replaceFiles(id: string, rows: readonly CellRow[]): string[] {
    const inserts = FILES.tables(rows).map(
      (table) =>
        `INSERT INTO ${this.#schema}.sync_files (${FILES.names}) SELECT ${FILES.names} FROM ${table}`,
    );
    return [`DELETE FROM ${this.#schema}.sync_files WHERE session_id = ${text(id)}`, ...inserts];
  }

  /** Calls first: deleting them by cascade, message by message, takes longer. */
  deleteMessages(id: string): string[] {
    return ["tool_calls", "messages"].map(
      (table) => `DELETE FROM ${this.#schema}.${table} WHERE session_id = ${text(id)}`,
    );
  }

  /** Selects what is needed to extend the messages that have one of the keys. */
  selectByKeys(id: string, keys: Iterable<string>): string[] {
    const rows = Iterator.from(keys).map((key) => ({ merge_key: key }));
    return KEYS.tables(rows).map(
      (table) => `
        SELECT messages.merge_key, ordinal, content_length, has_thinking, has_tool_use, block_hashes,
          ${USAGE_COLUMNS.join(", ")},
          (SELECT count(*)::int FROM ${this.#schema}.tool_calls
            WHERE tool_calls.session_id = ${text(id)} AND message_ordinal = ordinal) AS calls
        FROM ${table} JOIN ${this.#schema}.messages
          ON session_id = ${text(id)} AND messages.merge_key = r.merge_key COLLATE "C"`,
    );
  }

  insertMessages(rows: readonly CellRow[]): string[] {
    return MESSAGES.tables(rows).map(
      (table) =>
        `INSERT INTO ${this.#schema}.messages (${MESSAGES.names}) SELECT ${MESSAGES.names} FROM ${table}`,
    );
  }

  extendMessages(id: string, rows: readonly CellRow[]): string[] {
    const set = GROWING.map(({ name, growth }) =>
      growth === "appended" ? `${name} = messages.${name} || r.${name}` : `${name} = r.${name}`,
    );
    return EXTENSIONS.tables(rows).map(
      (table) => `
        UPDATE ${this.#schema}.messages SET ${set.join(", ")} FROM ${table}
        WHERE messages.session_id = ${text(id)} AND messages.ordinal = r.ordinal`,
    );
  }

  insertCalls(rows: readonly CellRow[]): string[] {
    return CALLS.tables(rows).map(
      (table) =>
        `INSERT INTO ${this.#schema}.tool_calls (${CALLS.names}) SELECT ${CALLS.names} FROM ${table}`,
    );
  }

  setResults(id: string, rows: readonly CellRow[]): string[] {
    return RESULTS.tables(rows).map(
      (table) => `
        UPDATE ${this.#schema}.tool_calls
        SET result_content = r.result_content, result_content_length = r.result_content_length
        FROM ${table} WHERE ${isCallOf(id)}`,
    );
  }

  /** Only calls that start subagents have a link: links are also found in texts, which can be wrong. */
  setSubagents(id: string, rows: readonly CellRow[]): string[] {
    return SUBAGENTS.tables(rows).map(
      (table) => `
        UPDATE ${this.#schema}.tool_calls SET subagent_session_id = r.subagent_session_id
        FROM ${table} WHERE ${isCallOf(id)} AND category = 'Task'`,
    );
  }

  retractUuids(id: string, uuids: readonly string[]): string {
    const list = dollarQuoted(JSON.stringify(uuids.map(storable)));
    return this.#retract(id, `source_uuid IN (SELECT json_array_elements_text(${list}::json))`);
  }

  retractLastPrompts(id: string, count: number): string {
    return this.#retract(
      id,
      `ordinal >= (SELECT min(ordinal) FROM (
        SELECT ordinal FROM ${this.#schema}.messages WHERE session_id = ${text(id)} AND ${IS_TYPED}
        ORDER BY ordinal DESC LIMIT ${clampInteger(Math.max(count, 0))}) AS last)`,
    );
  }

  /**
   * @param key of the new prompt. A repeated prompt, as in copies of history, removes nothing.
   * @param parentUuid of the record that it follows.
   */
  retractSiblings(id: string, key: string, parentUuid: string): string {
    const messages = `SELECT min(ordinal) FROM ${this.#schema}.messages WHERE session_id = ${text(id)}`;
    const parent = text(parentUuid);
    return this.#retract(
      id,
      `ordinal >= (${messages} AND ${IS_TYPED} AND source_parent_uuid = ${parent}
          AND left(source_parent_uuid, 100) = left(${parent}, 100))
        AND (${messages} AND merge_key = ${text(key)}) IS NULL`,
    );
  }

  #retract(id: string, which: string): string {
    return `
      UPDATE ${this.#schema}.messages SET is_sidechain = TRUE
      WHERE session_id = ${text(id)} AND NOT is_sidechain AND ${which}`;
  }

  /** Large numbers as text: they do not fit into one of JavaScript's. */
  #filesOf(id: string): string {
    return `
      SELECT json_agg(json_build_object('path', path, 'token', token, 'offset', "offset", 'fingerprint', fingerprint,
        'mtime', mtime::text, 'inode', inode::text, 'device', device::text) ORDER BY position)
      FROM ${this.#schema}.sync_files WHERE sync_files.session_id = ${id}`;
  }
}

function synced(table: readonly Column[]): Column[] {
  return named(table, ...syncedNames(table));
}

function named(table: readonly Column[], ...names: readonly string[]): Column[] {
  return table.filter(({ name }) => names.includes(name));
}

/** The second condition is what the index knows. */
function isCallOf(id: string): string {
  return `tool_calls.session_id = ${text(id)} AND tool_calls.tool_use_id = r.tool_use_id
    AND left(tool_calls.tool_use_id, 100) = left(r.tool_use_id, 100)`;
}

function text(value: string): string {
  return literal(storable(value));
}
