/** How far transcripts have been read: the engine's bookkeeping, committed with what it is about. */

import type { SourceRecord, SyncedTranscript } from "../../../watch/archive.ts";
import type { SessionId } from "../../../session/session.ts";
import { fileRow, sourceFileOf, syncedTranscriptsOf } from "../../shared/source-rows.ts";
import type { SyncedFile } from "../../shared/source-rows.ts";
import type { Statements } from "../database/sqlite-connection.ts";
import {
  DELETE_SYNC_FILES,
  SELECT_SYNC_FILES,
  SELECT_SYNC_STATE,
  SELECT_SYNCED_FILES,
  UPSERT_SYNC_FILE,
  UPSERT_SYNC_STATE,
} from "./statements.ts";

/** @returns null if the session was never synced. */
export function readSource(statements: Statements, id: SessionId): SourceRecord | null {
  const state = statements.prepare(SELECT_SYNC_STATE).get(id);
  if (state === undefined) return null;
  const files = statements.prepare(SELECT_SYNC_FILES).all(id).map(sourceFileOf);
  return {
    files,
    revision: Number(state["revision"]),
    parserState: String(state["parser_state"]),
  };
}

/** Replaces what was known of the session's transcript; files beyond those of `source` are forgotten. */
export function writeSource(statements: Statements, id: SessionId, source: SourceRecord): void {
  statements.prepare(UPSERT_SYNC_STATE).run(id, source.revision, source.parserState);
  for (const [position, file] of source.files.entries())
    statements.run(UPSERT_SYNC_FILE, fileRow(id, position, file));
  statements.prepare(DELETE_SYNC_FILES).run(id, source.files.length);
}

/** @returns what was synced of every session in the archive; files in reading order. */
export function readSyncedTranscripts(statements: Statements): Map<SessionId, SyncedTranscript> {
  // One text instead of thousands of rows: they would cost more than everything else in a sync that finds nothing new.
  const text = statements.prepare(SELECT_SYNCED_FILES).get()?.["files"];
  return syncedTranscriptsOf(JSON.parse(String(text)) as SyncedFile[]);
}
