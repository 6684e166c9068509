/** How far transcripts have been read: the engine's bookkeeping, committed with what it is about. */

import type { SourceFile, SourceRecord, SyncedTranscript } from "../../watch/archive.ts";
import type { SessionId } from "../../watch/session.ts";
import type { Statements } from "./connection.ts";
import {
  DELETE_SYNC_FILES,
  SELECT_SYNC_FILES,
  SELECT_SYNC_STATE,
  SELECT_SYNCED_FILES,
  UPSERT_SYNC_FILE,
  UPSERT_SYNC_STATE,
} from "./statements.ts";

type Row = Record<string, unknown>;

/** @returns null if the session was never synced. */
export function readSource(statements: Statements, id: SessionId): SourceRecord | null {
  const state = statements.prepare(SELECT_SYNC_STATE).get(id);
  if (state === undefined) return null;
  const files = statements.prepare(SELECT_SYNC_FILES).all(id).map(sourceFileOf);
  return { files, revision: Number(state["revision"]), parserState: String(state["parser_state"]) };
}

/** Replaces what was known of the session's transcript; files beyond those of `source` are forgotten. */
export function writeSource(statements: Statements, id: SessionId, source: SourceRecord): void {
  statements.prepare(UPSERT_SYNC_STATE).run(id, source.revision, source.parserState);
  for (const [position, { mtimeNs, inode, device, ...file }] of source.files.entries()) {
    statements.prepare(UPSERT_SYNC_FILE).run({
      session_id: id,
      position,
      ...file,
      mtime: mtimeNs,
      inode: signed(inode),
      device: signed(device),
    });
  }
  statements.prepare(DELETE_SYNC_FILES).run(id, source.files.length);
}

/** @returns what was synced of every session in the archive; files in reading order. */
export function readSyncedTranscripts(statements: Statements): Map<SessionId, SyncedTranscript> {
  const synced = new Map<SessionId, { files: SyncedTranscript["files"][number][]; revision: number }>();
  // One text instead of thousands of rows: they would cost more than everything else in a sync that finds nothing new.
  const text = statements.prepare(SELECT_SYNCED_FILES).get()?.["files"];
  const files = JSON.parse(String(text)) as [
    id: string,
    revision: number,
    path: string,
    token: string,
    offset: number,
  ][];
  for (const [id, revision, path, token, offset] of files) {
    const transcript = synced.get(id);
    if (transcript === undefined) synced.set(id, { files: [{ path, token, offset }], revision });
    else transcript.files.push({ path, token, offset });
  }
  return synced;
}

/** SQLite's integers are signed; a file system may use all 64 bits. */
export function signed(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

function sourceFileOf(row: Row): SourceFile {
  return {
    path: String(row["path"]),
    token: String(row["token"]),
    offset: Number(row["offset"]),
    fingerprint: String(row["fingerprint"]),
    mtimeNs: BigInt(String(row["mtime"])),
    inode: unsigned(row["inode"]),
    device: unsigned(row["device"]),
  };
}

function unsigned(value: unknown): bigint {
  return BigInt.asUintN(64, BigInt(String(value)));
}
