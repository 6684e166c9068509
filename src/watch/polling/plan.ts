/**
 * Decides what to read of the archive next: a pure function of what was seen so far. Only one read runs at a time, so that
 * a later answer is never older.
 */

import type { StatusEvent } from "../../session/events.ts";
import type { SessionId } from "../../session/session.ts";
import { afterFailure, NO_OUTAGE, retryMs, statusAfter } from "./outage.ts";
import { isComplete, NOT_POLLING } from "./polling-state.ts";
import type { Following, Hints, Knowledge, PollingState, Read, Seen } from "./polling-state.ts";

export interface Plan {
  state: PollingState;
  /** The read to make now; null if another one runs, or none is needed. */
  read: Read | null;
  /** Send this to all subscribers. */
  status: StatusEvent | null;
  /** Report the failure to arriving subscribers. */
  failsArrivals: boolean;
}

/** Reading a whole archive takes at most a tenth of the time. */
const REST_PER_WORK = 9;

export function plan(state: PollingState, seen: Seen, pollIntervalMs: number): Plan {
  const next = advance(state, seen, pollIntervalMs);
  const mayAsk = next.turn !== "reading" && seen.kind !== "hint" && seen.kind !== "poll";
  const { read, ...asking } = mayAsk ? ask(next, seen.nowMs) : { read: null, state: next };
  return {
    state: asking.state,
    read,
    status: statusAfter(state.outage, next.outage),
    failsArrivals:
      seen.kind === "failure" && (isForArrivals(seen.read, state) || next.outage.mode === "reported"),
  };
}

function advance(state: PollingState, seen: Seen, pollIntervalMs: number): PollingState {
  switch (seen.kind) {
    case "following":
      return withFollowing(state, seen.following, seen.nowMs, pollIntervalMs);
    case "arrival":
      return { ...state, hasArrivals: true };
    case "hint":
      if (state.following === "nothing") return state;
      return seen.ids === null
        ? due(state, "everything", seen.nowMs)
        : due(withHints(state, seen.ids), "hints", seen.nowMs);
    case "poll": {
      const hasArrivals = state.hasArrivals || seen.hasArrivals;
      const pollAtMs = nextPoll(state, seen.nowMs, pollIntervalMs);
      return due({ ...state, hasArrivals, pollAtMs }, "everything", seen.nowMs);
    }
    case "turn":
      return state.turn === "due" ? { ...state, turn: "idle" } : state;
    case "readable":
      return { ...state, outage: NO_OUTAGE };
    case "answer": {
      const read = withAnswer({ ...state, turn: "idle" }, seen);
      // Some stores answer this without asking the archive: it is no proof, unless nothing else has to be read.
      const isReadable = seen.answer.to !== "revision" || read.todo.length === 0;
      const answered = isReadable ? { ...read, outage: NO_OUTAGE } : read;
      if (state.following === "nothing") return { ...answered, todo: [] };
      const isPutOff = answered.knowledge.mode === "behind" && state.knowledge.mode !== "behind";
      return isPutOff ? { ...answered, pollAtMs: nextPoll(answered, seen.nowMs, pollIntervalMs) } : answered;
    }
    case "failure": {
      const outage = afterFailure(state.outage, seen.error, seen.askedMs, seen.nowMs);
      // The next poll asks for everything else again.
      const hinted = [seen.read, ...state.todo].flatMap((read) => (read.ask === "sessions" ? read.ids : []));
      const failed: PollingState = { ...state, turn: "idle", todo: [], look: null, revision: null, outage };
      const waiting = hinted.length > 0 ? withHints(failed, hinted) : failed;
      // No subscriber is left. The next one must not hear of an outage that may be over by then.
      if (state.following === "nothing") {
        const { knowledge, restUntilMs, hasArrivals } = state;
        return { ...NOT_POLLING, knowledge, restUntilMs, hasArrivals };
      }
      return { ...waiting, pollAtMs: nextPoll(waiting, seen.nowMs, pollIntervalMs) };
    }
  }
}

function withFollowing(
  state: PollingState,
  following: Following,
  nowMs: number,
  pollIntervalMs: number,
): PollingState {
  // Without subscribers of all sessions, new ones go unnoticed.
  const knowledge = following === "all" ? state.knowledge : asPartial(state.knowledge);
  if (following === "nothing") {
    const { turn, restUntilMs } = state;
    return { ...NOT_POLLING, knowledge, restUntilMs, turn: turn === "reading" ? turn : "idle" };
  }
  const pollAtMs = state.pollAtMs ?? nextPoll(state, nowMs, pollIntervalMs);
  return { ...state, following, knowledge, pollAtMs };
}

/** Sessions that vanished are still to be found: the next subscriber of all reads everything. */
function asPartial(knowledge: Knowledge): Knowledge {
  return { mode: "partial", mark: knowledge.mode === "lossy" ? null : knowledge.mark };
}

/** A look begins when no read runs and the hints of this moment are in. */
function due(state: PollingState, what: "hints" | "everything", nowMs: number): PollingState {
  const turn = state.turn === "idle" ? "due" : state.turn;
  const wanted = state.wanted === "everything" ? state.wanted : what;
  return { ...state, turn, wanted, noticedMs: state.noticedMs ?? nowMs };
}

function withHints(state: PollingState, ids: readonly SessionId[]): PollingState {
  return { ...state, hints: { ids, earlier: state.hints } };
}

function withAnswer(state: PollingState, seen: Seen & { kind: "answer" }): PollingState {
  const { read, answer, askedMs, nowMs } = seen;
  if (answer.to === "revision") return withRevision(state, answer.revision, nowMs);
  if (answer.to === "sessions" || read.ask !== "changes") return state;
  const { mark, total, isFromNotifications, isScan } = answer.changes;
  const restUntilMs = isScan ? nowMs + REST_PER_WORK * (nowMs - askedMs) : state.restUntilMs;
  // Subscribers of single sessions must not depend on notifications because others follow all sessions.
  const followed: Read[] = isFromNotifications && read.isChanged ? [{ ask: "followed" }] : [];
  const todo = [...followed, ...state.todo];
  // An answer from the beginning is complete; of any other one, only the count shows deletions.
  if (read.since !== null && total !== null && total !== answer.present) {
    const everything: Read = { ask: "changes", since: null, isChanged: false };
    return { ...state, knowledge: { mode: "lossy", mark }, restUntilMs, todo: [everything, ...todo] };
  }
  const mode = state.following === "all" ? "complete" : "partial";
  return { ...state, knowledge: { mode, mark }, restUntilMs, todo };
}

/** Reads nothing more if the archive has not changed. */
function withRevision(state: PollingState, revision: string | null, nowMs: number): PollingState {
  const { knowledge, restUntilMs } = state;
  const isChanged = revision === null || revision !== state.revision;
  const isOwed = knowledge.mode === "behind" || knowledge.mode === "lossy";
  if (!isChanged && !isOwed) return state;
  const followed: Read[] = isChanged ? [{ ask: "followed" }] : [];
  if (knowledge.mode === "partial") return { ...state, revision, todo: [...followed, ...state.todo] };
  if (nowMs >= restUntilMs) {
    const since = knowledge.mode === "lossy" ? null : knowledge.mark;
    return { ...state, revision, todo: [{ ask: "changes", since, isChanged }, ...state.todo] };
  }
  const behind: Knowledge = knowledge.mode === "lossy" ? knowledge : { mode: "behind", mark: knowledge.mark };
  return { ...state, revision, knowledge: behind, todo: [...followed, ...state.todo] };
}

function ask(state: PollingState, nowMs: number): { state: PollingState; read: Read | null } {
  const ready = state.hasArrivals ? withArrivalReads(state) : state;
  // A due turn begins in a moment; only arrivals do not wait for it.
  if (ready.todo.length === 0 && ready.turn === "due") return { state: ready, read: null };
  const turn = ready.todo.length > 0 ? ready : withLook(ready, nowMs);
  const [read = null, ...todo] = turn.todo;
  return { state: { ...turn, todo, turn: read === null ? "idle" : "reading" }, read };
}

function withArrivalReads(state: PollingState): PollingState {
  const { following, knowledge } = state;
  const reads: Read[] = [{ ask: "arrivals" }];
  const isAsked = state.todo.some((read) => read.ask === "changes");
  if (following === "all" && knowledge.mode === "partial" && !isAsked)
    reads.push({ ask: "changes", since: knowledge.mark, isChanged: false });
  return { ...state, hasArrivals: false, todo: [...reads, ...state.todo] };
}

function withLook(state: PollingState, nowMs: number): PollingState {
  if (state.wanted === "nothing") return { ...state, look: null };
  const isDue = state.wanted === "everything";
  const ids = hintedIds(state.hints);
  const todo: Read[] = [];
  // A full look covers hinted sessions with subscribers of their own.
  if (ids.length > 0 && (isComplete(state) || !isDue)) todo.push({ ask: "sessions", ids });
  if (isDue) todo.push({ ask: "revision" });
  const look = { startedMs: nowMs, noticedMs: state.noticedMs ?? nowMs };
  return { ...state, todo, look, wanted: "nothing", hints: null, noticedMs: null };
}

function hintedIds(hints: Hints | null): SessionId[] {
  const ids = new Set<SessionId>();
  for (let hint = hints; hint !== null; hint = hint.earlier) for (const id of hint.ids) ids.add(id);
  return [...ids];
}

function isForArrivals(read: Read, { knowledge }: PollingState): boolean {
  return read.ask === "arrivals" || (read.ask === "changes" && knowledge.mode === "partial");
}

function nextPoll(state: PollingState, nowMs: number, pollIntervalMs: number): number {
  const pauseMs = retryMs(state.outage, pollIntervalMs);
  const restMs = state.restUntilMs - nowMs;
  // After the rest, the delayed read has started, or has failed and waits like any other.
  const isResting = (state.knowledge.mode === "behind" || state.knowledge.mode === "lossy") && restMs > 0;
  return nowMs + (isResting ? Math.min(pauseMs, restMs) : pauseMs);
}
