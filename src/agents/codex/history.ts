/**
 * Decides which thread a line belongs to. A fork begins with a copy of its parent's lines, written at once. A thread that
 * was set back to an earlier point continues in another file, whose header says where the history was cut.
 */

import { lineageOf, sessionIdOf } from "./header.ts";
import type { Tokens } from "./tokens.ts";
import { asCount, asObject, asString, asTime } from "../shared/json.ts";
import type { Json } from "../shared/json.ts";

/** JSON, and bounded: it is a part of the parser's state. */
export interface History {
  /** The thread's own header was read; those that follow came with copied lines or begin another file. */
  hasHeader: boolean;
  /** It goes on from another thread's history. */
  isContinuation: boolean;
  /** Lines with a lower ordinal are the parent's. */
  firstOrdinal: number;
  /** Time (ms since the epoch) of the last copied line; null outside a copy. */
  copiedUntil: number | null;
  /** Prompts that can be taken back, the newest last. */
  prompts: readonly Prompt[];
}

interface Prompt {
  ordinal: number;
  /** The thread's total before it. */
  total: Tokens | null;
}

/** At a rollout's start. */
export const NO_HISTORY: History = {
  hasHeader: false,
  isContinuation: false,
  firstOrdinal: 0,
  copiedUntil: null,
  prompts: [],
};

/** Copied lines follow each other within a few ms; a model's answer takes longer than this. */
const COPY_GAP_MS = 100;
/** Prompts before these are not taken back. */
const MAX_PROMPTS = 100;

/** What a line is to the thread. */
export interface Standing {
  history: History;
  /** Another thread has counted it, and may have shown it. */
  isCopied: boolean;
  /** It certainly belongs to the parent, not to this conversation. */
  isParents: boolean;
  /** The thread's own header, if the line is that. */
  header: Json | null;
  /** Prompts that the line takes back, the newest last: those that its `history_base` has cut off. */
  cut: readonly Prompt[];
}

/**
 * Places one line, after all lines before it were.
 *
 * @param header the payload, if the record is a header.
 */
export function stand(before: History, record: Json, header: Json | null, sessionId: string): Standing {
  const at = Date.parse(asTime(record["timestamp"]) ?? "");
  const ordinal = asCount(record["ordinal"]);
  if (header !== null && !before.hasHeader)
    return { history: begun(before, header, at), isCopied: false, isParents: false, header, cut: [] };

  const isParents = ordinal !== null && ordinal < before.firstOrdinal;
  const threadId = asString(header?.["id"]);
  const isOwn = threadId === null || sessionIdOf(threadId) === sessionId;
  const follows = before.copiedUntil !== null && !(at > before.copiedUntil + COPY_GAP_MS);
  // A header of another thread begins a copy, whatever the first one says.
  const isCopied = isParents || follows || !isOwn;
  const copiedUntil = follows || !isOwn ? latest(before.copiedUntil, at) : null;
  const cut = header !== null && isOwn ? promptsFrom(before.prompts, cutOf(header)) : [];
  const prompts = cut.length === 0 ? before.prompts : before.prompts.slice(0, -cut.length);
  return { history: { ...before, copiedUntil, prompts }, isCopied, isParents, header: null, cut };
}

/** @returns the history with one more prompt. Only prompts of paginated files have an ordinal. */
export function withPrompt(history: History, record: Json, total: Tokens | null): History {
  const ordinal = asCount(record["ordinal"]);
  if (ordinal === null) return history;
  return { ...history, prompts: [...history.prompts, { ordinal, total }].slice(-MAX_PROMPTS) };
}

/** @returns the history after the last `count` prompts were taken back. */
export function withoutPrompts(history: History, count: number): History {
  return { ...history, prompts: history.prompts.slice(0, Math.max(0, history.prompts.length - count)) };
}

function begun(before: History, header: Json, at: number): History {
  const isChild = lineageOf(header).relationship !== null;
  return {
    ...before,
    hasHeader: true,
    isContinuation: isChild || asObject(header["history_base"]) !== null,
    firstOrdinal: asCount(header["subagent_history_start_ordinal"]) ?? 0,
    copiedUntil: isChild ? latest(null, at) : null,
  };
}

/** @returns the ordinal at which the history before this file ends. */
function cutOf(header: Json): number | null {
  return asCount(asObject(header["history_base"])?.["end_ordinal_exclusive"]);
}

function promptsFrom(prompts: readonly Prompt[], ordinal: number | null): readonly Prompt[] {
  const from = ordinal === null ? -1 : prompts.findIndex((prompt) => prompt.ordinal >= ordinal);
  return from === -1 ? [] : prompts.slice(from);
}

function latest(known: number | null, at: number): number | null {
  if (Number.isNaN(at)) return known;
  return known === null ? at : Math.max(known, at);
}
