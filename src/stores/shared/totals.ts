/** What an archive itself counts over a session's messages. */

import { isTyped } from "../../session/entries.ts";
import type { MessageEntry } from "../../session/entries.ts";
import type { Draft } from "./batch.ts";

/** Of all messages of a session, those included that were written earlier. */
export class Totals {
  messages: number;
  userMessages: number;
  outputTokens: number;
  peakContext: number;

  /** @param row of `sessions`, as an earlier sync has left it. */
  constructor(row: Record<string, unknown> = {}) {
    this.messages = Number(row["message_count"] ?? 0);
    this.userMessages = Number(row["user_message_count"] ?? 0);
    this.outputTokens = Number(row["total_output_tokens"] ?? 0);
    this.peakContext = Number(row["peak_context_tokens"] ?? 0);
  }

  /** Any line of a message may tell the most, also one that a later line of it corrects. */
  notePeak({ usage }: MessageEntry): void {
    this.peakContext = Math.max(this.peakContext, usage?.contextTokens ?? 0);
  }

  noteInserted({ entry, usage }: Draft): void {
    this.messages += 1;
    if (isTyped(entry)) this.userMessages += 1;
    this.outputTokens += usage?.outputTokens ?? 0;
  }

  /** @param before what the message had used as far as was known. */
  noteExtended({ usage }: Draft, before: number): void {
    if (usage !== null) this.outputTokens += (usage.outputTokens ?? 0) - before;
  }
}
