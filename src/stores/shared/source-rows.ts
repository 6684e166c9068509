/** Makes rows of how far transcripts were read, the same for every store. */

import type { SourceFile, SyncedTranscript } from "../../watch/archive.ts";
import type { SessionId } from "../../session/session.ts";
import type { SyncedName } from "../../session/column.ts";
import type { SYNC_FILE_COLUMNS } from "../../session/sync-columns.ts";
import type { Cell } from "./draft-rows.ts";

type FileCells = Record<SyncedName<typeof SYNC_FILE_COLUMNS>, Cell>;

/** One file, for `syncedTranscriptsOf()`. */
export type SyncedFile = [id: string, revision: number, path: string, token: string, offset: number];

/** @returns a row of `sync_files`. */
export function fileRow(id: SessionId, position: number, file: SourceFile): FileCells {
  const { path, token, offset, fingerprint, mtimeNs, inode, device } = file;
  const numbers = { mtime: mtimeNs, inode: signed(inode), device: signed(device) };
  return { session_id: id, position, path, token, offset, fingerprint, ...numbers };
}

/** @param row of `sync_files`, its large numbers as text. */
export function sourceFileOf(row: Record<string, unknown>): SourceFile {
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

/** @param files in reading order, those of a session together. */
export function syncedTranscriptsOf(files: readonly SyncedFile[]): Map<SessionId, SyncedTranscript> {
  const synced = new Map<SessionId, { files: SyncedTranscript["files"][number][]; revision: number }>();
  for (const [id, revision, path, token, offset] of files) {
    const transcript = synced.get(id);
    if (transcript === undefined) synced.set(id, { files: [{ path, token, offset }], revision });
    else transcript.files.push({ path, token, offset });
  }
  return synced;
}

/** Databases have signed integers, and a file system may use all 64 bits. */
export function signed(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

function unsigned(value: unknown): bigint {
  return BigInt.asUintN(64, BigInt(String(value)));
}
