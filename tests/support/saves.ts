/** What a sync may save, for tests that do not care what it is. */

import type { SourceRecord, SyncTransaction } from "../../src/watch/archive.ts";
import type { Block, MessageEntry, SessionFacts } from "../../src/session/entries.ts";

export const FACTS: SessionFacts = {
  agent: "claude",
  project: "demo",
  cwd: null,
  gitBranch: null,
  firstMessage: null,
  displayName: null,
  title: null,
  startedAt: "2026-01-01T00:00:00.000Z",
  endedAt: null,
  parentSessionId: null,
  relationshipType: null,
  sourceSessionId: null,
  sourceVersion: null,
  isAutomated: false,
  malformedLines: 0,
};

export const FILE = {
  path: "/a.jsonl",
  token: "t",
  offset: 10,
  fingerprint: "f",
  mtimeNs: 1_767_225_600_123_456_789n,
  inode: 1n,
  device: 2n,
};

export const SOURCE: SourceRecord = {
  files: [FILE, { ...FILE, path: "/b.jsonl", token: "u" }],
  revision: 3,
  parserState: "{}",
};

export async function save(transaction: SyncTransaction): Promise<void> {
  await transaction.write([]);
  await transaction.save(FACTS, SOURCE);
}

/** @param text becomes its one block. */
export function message(text: string, more: Partial<MessageEntry> = {}): MessageEntry {
  return {
    kind: "message",
    key: null,
    role: "user",
    blocks: [{ type: "text", text }],
    timestamp: null,
    model: null,
    usage: null,
    isSystem: false,
    isCompactBoundary: false,
    isSidechain: false,
    sourceType: "user",
    sourceSubtype: null,
    uuid: null,
    parentUuid: null,
    messageId: null,
    requestId: null,
    ...more,
  };
}

export function callOf(id: string, more: Partial<Extract<Block, { type: "tool_use" }>> = {}): Block {
  return {
    type: "tool_use",
    id,
    name: "Bash",
    category: "Bash",
    input: "{}",
    subject: "",
    skill: null,
    ...more,
  };
}
