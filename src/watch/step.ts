/** Decides what to do about one session after one look at it. */

import { backoffMs } from "../async/backoff.ts";
import { DELETED } from "../session/session.ts";
import type { SessionVersion, SourceToken, Version } from "../session/session.ts";

/** Longest wait between two direct syncs of a session whose archive row does not catch up. */
export const SYNC_RETRY_MAX_MS = 300_000;

/** What is known of one followed session. */
export interface WatchState {
  /** The version that subscribers know. */
  version: Version;
  /** The transcript's state at the last check; null if it had none, undefined before the first check. */
  source: SourceToken | null | undefined;
  /** When (ms) the next direct sync is due; null if the row is up to date. */
  syncAtMs: number | null;
  /** Direct syncs since the row last caught up; each doubles the wait for the next. */
  syncs: number;
}

/** The parts of a session's row that matter here. */
export type Row = Pick<SessionVersion, "version" | "sourceToken">;

/** One look at a session. */
export interface Sighting {
  nowMs: number;
  /** Null when it is not in the archive. */
  row: Row | null;
  /** The transcript on disk; null if there is none, undefined if it was not checked. */
  source?: SourceToken | null | undefined;
}

export interface Step {
  /** `emit`: notify subscribers; `sync`: sync the transcript directly, then read again; `wait`: nothing. */
  action: "emit" | "sync" | "wait";
  state: WatchState;
}

/** @returns the state after the first read: what subscribers start from. */
export function baseline(row: Row | null): WatchState {
  return { version: versionOf(row), source: undefined, syncAtMs: null, syncs: 0 };
}

/**
 * Reference: `checkDBForChanges` in sessionwatch v0.23.5.
 *
 * @param delayMs how long a transcript may be ahead of its row before it is synced directly.
 */
export function step(state: WatchState, sighting: Sighting, delayMs: number): Step {
  const { nowMs, row, source } = sighting;

  const version = versionOf(row);
  if (version !== state.version) {
    // Some program is writing the archive: if the row is still behind, wait the whole delay again.
    const syncAtMs = isBehind(sighting) ? nowMs + delayMs : null;
    return {
      action: "emit",
      state: { version, source: source === undefined ? state.source : source, syncAtMs, syncs: 0 },
    };
  }

  if (source === undefined) return { action: "wait", state };
  if (!isBehind(sighting)) return { action: "wait", state: { version, source, syncAtMs: null, syncs: 0 } };

  // No other program has noticed a transcript that appears where there was none: sync it without delay.
  const appeared = state.source === null;
  const syncAtMs = appeared ? nowMs : (state.syncAtMs ?? nowMs + delayMs);
  if (nowMs < syncAtMs) return { action: "wait", state: { ...state, source, syncAtMs } };

  const retryAtMs = nowMs + backoffMs(state.syncs + 1, { firstMs: delayMs, maxMs: SYNC_RETRY_MAX_MS });
  return { action: "sync", state: { version, source, syncAtMs: retryAtMs, syncs: state.syncs + 1 } };
}

/** A row is behind only while the transcript's token differs from the one that is stored with the row. */
function isBehind({ row, source }: Sighting): boolean {
  return source !== undefined && source !== null && source !== (row?.sourceToken ?? null);
}

function versionOf(row: Row | null): Version {
  return row?.version ?? DELETED;
}
