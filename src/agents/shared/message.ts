/** Makes the entry of a message from what an agent says about it. */

import type { MessageEntry } from "../../session/entries.ts";

/** What every agent knows of a message. */
type Said = Pick<MessageEntry, "role" | "timestamp" | "sourceType">;

/**
 * @param said `sourceType` is the agent's own word for the record.
 * @param more anything else that the agent says. @default nothing: no blocks, written by a person or a model
 */
export function messageEntry(said: Said, more: Partial<MessageEntry> = {}): MessageEntry {
  return {
    kind: "message",
    key: null,
    blocks: [],
    model: null,
    usage: null,
    isSystem: false,
    isCompactBoundary: false,
    isSidechain: false,
    sourceSubtype: null,
    uuid: null,
    parentUuid: null,
    messageId: null,
    requestId: null,
    ...said,
    ...more,
  };
}
