/** How far transcripts were read. It is committed together with what was read. */

import type { SourceRecord, SyncedTranscript } from "../../../watch/archive.ts";
import type { SessionId } from "../../../session/session.ts";
import { fileRow, sourceFileOf, syncedTranscriptsOf } from "../../shared/source-rows.ts";
import type { SyncedFile } from "../../shared/source-rows.ts";
import type { PreparedStatements } from "../database/sqlite-connection.ts";
import {
  DELETE_SYNC_FILES,
  SELECT_SYNC_FILES,
  SELECT_SYNC_STATE,
  SELECT_SYNCED_FILES,
  UPSERT_SYNC_FILE,
  UPSERT_SYNC_STATE,
} from "./sync-statements.ts";

/** @returns null if the session was never synced. */
export function readSource(statements: PreparedStatements, id: SessionId): SourceRecord | null {
  const state = statements.prepare(SELECT_SYNC_STATE).get(id);
  if (state === undefined) return null;
  const files = statements.prepare(SELECT_SYNC_FILES).all(id).map(sourceFileOf);
  return {
    files,
    revision: Number(state["revision"]),
    parserState: String(state["parser_state"]),
  };
}

/** Replaces what the archive knows of the session's transcript. Files that `source` lacks are removed. */
export function writeSource(statements: PreparedStatements, id: SessionId, source: SourceRecord): void {
  statements.prepare(UPSERT_SYNC_STATE).run(id, source.revision, source.parserState);
  for (const [position, file] of source.files.entries())
    statements.run(UPSERT_SYNC_FILE, fileRow(id, position, file));
  statements.prepare(DELETE_SYNC_FILES).run(id, source.files.length);
}

/** @returns what was synced of every session in the archive; files in reading order. */
export function readSyncedTranscripts(statements: PreparedStatements): Map<SessionId, SyncedTranscript> {
  // One text: thousands of rows would cost more than all the rest of a sync that finds nothing new.
  const text = statements.prepare(SELECT_SYNCED_FILES).get()?.["files"];
  return syncedTranscriptsOf(JSON.parse(String(text)) as SyncedFile[]);
}
