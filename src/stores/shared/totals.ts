/** The totals over a session's messages, which the archive itself counts. */

import { isTyped } from "../../session/entries.ts";
import type { MessageEntry } from "../../session/entries.ts";
import type { Draft } from "./batch.ts";

/** The totals of all messages of a session, also of earlier syncs. */
export class Totals {
  messages: number;
  userMessages: number;
  outputTokens: number;
  peakContext: number;

  /** @param row of `sessions` from an earlier sync. */
  constructor(row: Record<string, unknown> = {}) {
    this.messages = Number(row["message_count"] ?? 0);
    this.userMessages = Number(row["user_message_count"] ?? 0);
    this.outputTokens = Number(row["total_output_tokens"] ?? 0);
    this.peakContext = Number(row["peak_context_tokens"] ?? 0);
  }

  /** The peak may be in any line of a message, also in one that a later line corrects. */
  notePeak({ usage }: MessageEntry): void {
    this.peakContext = Math.max(this.peakContext, usage?.contextTokens ?? 0);
  }

  noteInserted({ entry, usage }: Draft): void {
    this.messages += 1;
    if (isTyped(entry)) this.userMessages += 1;
    this.outputTokens += usage?.outputTokens ?? 0;
  }

  /** @param before the output tokens of the message up to now. */
  noteExtended({ usage }: Draft, before: number): void {
    if (usage !== null) this.outputTokens += (usage.outputTokens ?? 0) - before;
  }
}
