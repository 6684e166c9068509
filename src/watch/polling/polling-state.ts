/** What a poller knows and wants, as data: `plan()` leads from one state to the next. */

import type { SessionId } from "../../session/session.ts";
import type { Changes, Mark } from "../ports.ts";
import { NO_OUTAGE } from "./outage.ts";
import type { Outage } from "./outage.ts";

/** What subscribers follow. */
export type Following = "nothing" | "some" | "all";

/** How far all sessions are known. `mark` is where the next read continues; null before the first one. */
export type Knowledge =
  | { mode: "partial"; mark: Mark | null }
  | { mode: "complete"; mark: Mark }
  /** Something has changed since; the read of everything waits until `PollingState.restUntilMs`. */
  | { mode: "behind"; mark: Mark }
  /** Some sessions have vanished: only a read of everything shows which. */
  | { mode: "lossy"; mark: Mark };

/** One question to the archive. */
export type Read =
  /** The sessions that arriving subscribers wait for. */
  | { ask: "arrivals" }
  /** What has changed since `since`. */
  | { ask: "changes"; since: Mark | null; isChanged: boolean }
  /** Hinted sessions. */
  | { ask: "sessions"; ids: readonly SessionId[] }
  | { ask: "revision" }
  /** Every session that is followed by its id. */
  | { ask: "followed" };

export type ReadAnswer =
  | { to: "revision"; revision: string | null }
  /** `present` counts the sessions known to be in the archive, this answer included. */
  | { to: "changes"; changes: Omit<Changes, "states">; present: number }
  | { to: "sessions" };

/** What happens to the poller, and when (ms). */
export type Seen =
  | { kind: "following"; following: Following; nowMs: number }
  /** A new subscriber waits for its sessions. */
  | { kind: "arrival"; nowMs: number }
  /** Null: any session may have changed. */
  | { kind: "hint"; ids: readonly SessionId[] | null; nowMs: number }
  | { kind: "poll"; hasArrivals: boolean; nowMs: number }
  /** The hints of one moment are in. */
  | { kind: "turn"; nowMs: number }
  /** The archive has answered; the answer is not applied yet. */
  | { kind: "readable"; nowMs: number }
  | { kind: "answer"; read: Read; answer: ReadAnswer; askedMs: number; nowMs: number }
  | { kind: "failure"; read: Read; error: unknown; askedMs: number; nowMs: number };

/** One look at the archive: it may take several reads. */
export interface Look {
  startedMs: number;
  /** When the first sign of what it finds came. */
  noticedMs: number;
}

/** A linked list, since thousands of hints may come before the next look. */
export interface Hints {
  ids: readonly SessionId[];
  earlier: Hints | null;
}

export interface PollingState {
  following: Following;
  knowledge: Knowledge;
  turn: "idle" | "due" | "reading";
  /** Reads of the present turn that are still to be made. */
  todo: readonly Read[];
  look: Look | null;
  /** New subscribers wait for a read that has not begun. */
  hasArrivals: boolean;
  /** What the next look has to read: everything that is followed, or only hinted sessions. */
  wanted: "nothing" | "hints" | "everything";
  hints: Hints | null;
  /** When the first sign of what the next look will find came. */
  noticedMs: number | null;
  /** The archive's revision at the last look; null if that says nothing. */
  revision: string | null;
  /** Do not read everything before this. */
  restUntilMs: number;
  pollAtMs: number | null;
  outage: Outage;
}

export const NOT_POLLING: PollingState = {
  following: "nothing",
  knowledge: { mode: "partial", mark: null },
  turn: "idle",
  todo: [],
  look: null,
  hasArrivals: false,
  wanted: "nothing",
  hints: null,
  noticedMs: null,
  revision: null,
  restUntilMs: -Infinity,
  pollAtMs: null,
  outage: NO_OUTAGE,
};

/** @returns whether every session of the archive is known. */
export function isComplete({ knowledge }: PollingState): boolean {
  return knowledge.mode !== "partial";
}
