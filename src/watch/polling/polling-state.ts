/** What a poller knows and wants, as data: `plan()` leads from one state to the next. */

import type { SessionId } from "../../session/session.ts";
import type { Changes, Mark } from "../ports.ts";
import { NO_OUTAGE } from "./outage.ts";
import type { Outage } from "./outage.ts";

/** What subscribers follow. */
export type Following = "nothing" | "some" | "all";

/** How far all sessions are known; `mark` is where the next question goes on, null at the beginning. */
export type Knowledge =
  | { mode: "partial"; mark: Mark | null }
  | { mode: "complete"; mark: Mark }
  /** Something has changed since, and a reading of everything rests until `PollingState.restUntilMs`. */
  | { mode: "behind"; mark: Mark }
  /** Some sessions have gone without a trace: everything has to be read to know which. */
  | { mode: "lossy"; mark: Mark };

/** One question to the archive. */
export type Read =
  /** The sessions that arriving subscribers wait for. */
  | { ask: "arrivals" }
  /** What has become of all sessions since `since`. */
  | { ask: "changes"; since: Mark | null; isChanged: boolean }
  /** Sessions that were hinted at. */
  | { ask: "sessions"; ids: readonly SessionId[] }
  | { ask: "revision" }
  /** Every session that is followed by its id. */
  | { ask: "followed" };

export type Answer =
  | { to: "revision"; revision: string | null }
  /** `present` counts the sessions that are known to be in the archive, this answer included. */
  | { to: "changes"; changes: Omit<Changes, "states">; present: number }
  | { to: "sessions" };

/** What the poller sees; `nowMs` is when. */
export type Seen =
  | { kind: "following"; following: Following; nowMs: number }
  /** A subscriber waits for sessions that have to be read. */
  | { kind: "arrival"; nowMs: number }
  /** Null: any session may have changed. */
  | { kind: "hint"; ids: readonly SessionId[] | null; nowMs: number }
  | { kind: "poll"; hasArrivals: boolean; nowMs: number }
  /** The hints of one moment are in. */
  | { kind: "turn"; nowMs: number }
  /** The archive has answered; what it said is not applied yet. */
  | { kind: "readable"; nowMs: number }
  | { kind: "answer"; read: Read; answer: Answer; askedMs: number; nowMs: number }
  | { kind: "failure"; read: Read; error: unknown; askedMs: number; nowMs: number };

/** A look at what is followed: it may take several reads. */
export interface Look {
  startedMs: number;
  /** When there was the first sign of what it finds. */
  noticedMs: number;
}

/** Ids in a list that grows at its head: thousands of hints may come before the next look. */
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
  /** Arriving subscribers wait for a read that has not begun. */
  hasArrivals: boolean;
  /** A look is wanted since the last one began; at everything that is followed, or only at what was hinted at. */
  wanted: "nothing" | "hints" | "everything";
  hints: Hints | null;
  /** When there was the first sign of what the next look will find. */
  noticedMs: number | null;
  /** The archive's revision at the last look; null if that says nothing. */
  revision: string | null;
  /** Until then, an archive that can only be read as a whole is left alone. */
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
