/** What a parser finds in a transcript, and what an archive keeps of it. */

/** A piece of a message, in the order of the transcript. */
export type Block =
  | { type: "text"; text: string }
  | { type: "thinking"; text: string }
  | {
      type: "tool_use";
      id: string;
      name: string;
      /** `Read Edit Write Bash Grep Glob Task Tool Other` */
      category: string;
      /** JSON text, as the agent wrote it. */
      input: string;
      /** What the call is about, in a few words: a command, a path. */
      subject: string;
      /** The skill that it calls, if it does. */
      skill: string | null;
    };

/** What one answer of a model has used. */
export interface TokenUsage {
  /** JSON text, as the agent wrote it. */
  json: string;
  /** Tokens of context that were sent: new, written to and read from the cache. */
  contextTokens: number | null;
  outputTokens: number | null;
}

/** A message, or a further part of an earlier one. */
export interface MessageEntry {
  kind: "message";
  /** Entries of one session with the same key are one message. An entry without a key is a message by itself. */
  key: string | null;
  role: "user" | "assistant";
  blocks: Block[];
  /** RFC 3339 UTC. */
  timestamp: string | null;
  model: string | null;
  usage: TokenUsage | null;
  /** Written by the agent's program, not by a person or a model. */
  isSystem: boolean;
  isCompactBoundary: boolean;
  isSidechain: boolean;
  sourceType: string;
  sourceSubtype: string | null;
  uuid: string | null;
  parentUuid: string | null;
  messageId: string | null;
  requestId: string | null;
}

/** The result of a tool call. */
export interface ToolResultEntry {
  kind: "tool_result";
  toolUseId: string;
  content: string;
}

/** The session that a tool call has started. */
export interface SubagentEntry {
  kind: "subagent";
  toolUseId: string;
  sessionId: string;
}

/**
 * Takes earlier messages out of the conversation: the person went back to an earlier point, or the agent withdrew them.
 * They stay in the archive as a side chain.
 */
export interface RetractionEntry {
  kind: "retraction";
  of: RetractedMessages;
}

/** The messages that a retraction takes out. */
export type RetractedMessages =
  /** An earlier prompt that follows the same record as the prompt `uuid`, and everything after it. */
  | { siblingsOf: { uuid: string; parentUuid: string } }
  /** The last `lastPrompts` typed prompts, and everything after the first of them. */
  | { lastPrompts: number }
  /** The messages whose first records have these uuids. */
  | { uuids: readonly string[] };

/** One thing that a record of a transcript says. */
export type TranscriptEntry = MessageEntry | ToolResultEntry | SubagentEntry | RetractionEntry;

/** What a transcript says of its session as a whole. The archive itself counts messages and tokens. */
export interface SessionFacts {
  agent: string;
  project: string;
  cwd: string | null;
  gitBranch: string | null;
  /** At most 300 characters. */
  firstMessage: string | null;
  /** What the user calls it. */
  displayName: string | null;
  /** What the agent calls it, where it does. */
  title: string | null;
  /** Earliest and latest time of any record, RFC 3339 UTC. */
  startedAt: string | null;
  endedAt: string | null;
  parentSessionId: string | null;
  relationshipType: "subagent" | "fork" | "continuation" | null;
  sourceSessionId: string | null;
  sourceVersion: string | null;
  /** A program has started it, such as a review or a guard. */
  isAutomated: boolean;
  malformedLines: number;
}

/** @returns whether a person typed it. On a side chain the user is another agent. */
export function isTyped(entry: TranscriptEntry): entry is MessageEntry {
  return entry.kind === "message" && entry.role === "user" && !entry.isSystem && !entry.isSidechain;
}

/** @returns the texts of a message, joined by line breaks, without its thinking and its calls. */
export function textOf(blocks: readonly Block[]): string {
  return blocks.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("\n");
}

/** @returns what a block adds to the readable content of its message, or an empty string. */
export function renderBlock(block: Block): string {
  switch (block.type) {
    case "text":
      return block.text;
    case "thinking":
      return block.text === "" ? "" : `[Thinking]\n${block.text}\n[/Thinking]`;
    case "tool_use":
      return block.subject === "" ? `[${block.name}]` : `[${block.name}: ${block.subject}]`;
  }
}
