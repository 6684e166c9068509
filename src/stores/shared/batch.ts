/** Folds entries into messages, so that each message is written once, with everything that the entries say of it. */

import { createHash } from "node:crypto";
import type {
  Block,
  MessageEntry,
  RetractionEntry,
  TokenUsage,
  TranscriptEntry,
} from "../../session/entries.ts";

/** A message, or a part to be added to one. */
export interface Draft {
  /** What its first line says of it. */
  entry: MessageEntry;
  blocks: DraftBlock[];
  /** What it has used, by its last line. */
  usage: TokenUsage | null;
}

/** A block of a message, with what later lines say about it. */
export interface DraftBlock {
  block: Block;
  /** Two blocks of one message with the same hash are one. */
  hash: string;
  /** The result of a tool call; null if there is none yet, and for other blocks. */
  result: string | null;
  /** The session that a tool call has started. */
  subagentSessionId: string | null;
}

/** What has to be written for the entries that were added. */
export class Batch {
  readonly drafts: Draft[] = [];
  /** By tool call, also for calls that are already in the archive. */
  readonly results = new Map<string, string>();
  readonly subagents = new Map<string, string>();
  readonly #byKey = new Map<string, Draft>();
  readonly #calls = new Map<string, DraftBlock[]>();

  add(entry: Exclude<TranscriptEntry, RetractionEntry>): void {
    switch (entry.kind) {
      case "message":
        return this.#addMessage(entry);
      case "tool_result":
        this.results.set(entry.toolUseId, entry.content);
        for (const call of this.#calls.get(entry.toolUseId) ?? []) call.result = entry.content;
        return;
      case "subagent":
        this.subagents.set(entry.toolUseId, entry.sessionId);
        for (const call of this.#calls.get(entry.toolUseId) ?? []) call.subagentSessionId = entry.sessionId;
    }
  }

  #addMessage(entry: MessageEntry): void {
    const draft = entry.key === null ? undefined : this.#byKey.get(entry.key);
    const blocks = entry.blocks.map((block) => ({
      block,
      hash: hashOf(block),
      result: null,
      subagentSessionId: null,
    }));
    if (draft === undefined) {
      const begun = { entry, blocks, usage: entry.usage };
      this.drafts.push(begun);
      if (entry.key !== null) this.#byKey.set(entry.key, begun);
      this.#noteCalls(blocks);
      return;
    }
    const added = newBlocks(blocks, new Set(draft.blocks.map(({ hash }) => hash)));
    // Not with a spread: a line may have more blocks than a function can have arguments.
    for (const block of added) draft.blocks.push(block);
    draft.usage = entry.usage ?? draft.usage;
    this.#noteCalls(added);
  }

  #noteCalls(blocks: readonly DraftBlock[]): void {
    for (const draft of blocks) {
      if (draft.block.type !== "tool_use") continue;
      const { id } = draft.block;
      this.#calls.set(id, [...(this.#calls.get(id) ?? []), draft]);
    }
  }
}

/** @returns the blocks that the message does not have yet. Lines repeat earlier ones, and snapshots grow. */
export function newBlocks(blocks: readonly DraftBlock[], seen: ReadonlySet<string>): DraftBlock[] {
  return blocks.filter(({ hash }) => !seen.has(hash));
}

/** A call is identified by its id. A short one without spaces can stand in a list without being hashed. */
function hashOf(block: Block): string {
  if (block.type === "tool_use" && /^\w{1,40}$/.test(block.id)) return block.id;
  const identity = block.type === "tool_use" ? block.id || `${block.name} ${block.input}` : block.text;
  return createHash("sha256").update(`${block.type} `).update(identity).digest("base64url").slice(0, 12);
}
