/** What the engine asks of a source: a place where agents of one kind keep sessions. */

import type { Clock } from "../../async/clock.ts";
import type { SessionId, SourceToken } from "../../session/session.ts";
import type { ArchiveWriting } from "../../watch/archive.ts";
import type { Files } from "../reading/files.ts";
import type { Unreadable } from "../reading/unreadable.ts";
import type { SyncRunner } from "./sync-runner.ts";

/** A session that a source has now. */
export interface FoundSession {
  id: SessionId;
  /** A part of another session's work, as far as its place says. */
  isSubagent: boolean;
  /** When it was last written (ms since the epoch). */
  writtenMs: number;
}

/** A failed sync. `id` is null for several or unknown sessions. */
export interface Failure {
  id: SessionId | null;
  /** A file of the session; without an id the folder's path, or the name of the follower that failed. */
  path: string;
  error: unknown;
}

/** A sync that can be asked for: of one session, or of all in one document. */
export interface SyncTask {
  /** Known by this in logs and retries; null where it is more than one session. */
  id: SessionId | null;
  path: string;
  /** @returns whether the archive has changed. @throws WatchError `transcript_unreadable`, `archive_unavailable`. */
  run(): Promise<boolean>;
  /** As `run`, and cheaper where the file is known to have changed. */
  runNotified?: () => Promise<boolean>;
  /** Whether there is something new already, in case its notification was dropped. */
  hasGrown?: () => Promise<boolean>;
}

/** A task with something new in it. */
export interface BehindTask extends SyncTask {
  /** Bytes to read; 0 if unknown. */
  bytes: number;
  writtenMs: number;
  run(onRead?: (bytes: number) => void): Promise<boolean>;
}

export interface Behind {
  tasks: BehindTask[];
  failures: Unreadable[];
  /** Sessions that are not synced, because they were deleted or are another machine's. */
  leftAlone: number;
}

/** What a source works with. */
export interface SourceTools {
  archive: ArchiveWriting;
  runner: SyncRunner;
  files: Files;
  clock: Clock;
}

export interface Source {
  /** @returns whether a session with this id can only be here. */
  owns(id: SessionId): boolean;
  /** @returns null if there is no such session. Full searches back off. */
  find(id: SessionId): Promise<FoundSession | null>;
  /** @returns the token that the archive stores once the session is synced; null if there is no such session. Cheap. */
  token(id: SessionId): Promise<SourceToken | null>;
  /** Every session there is. */
  list(): Promise<{ sessions: FoundSession[]; failures: Unreadable[] }>;
  /** Everything that differs from what was synced. @throws WatchError `archive_unavailable`. */
  behind(): Promise<Behind>;
  /** @returns whether the archive has changed. @throws WatchError `transcript_unreadable`, `archive_unavailable`. */
  sync(id: SessionId): Promise<boolean>;
  /** Closes what it keeps open between syncs. It can be used again. */
  close(): void;
}
