/** Makes messages of the lines of one run. */

import type { Block, MessageEntry, TranscriptEntry } from "../../session/entries.ts";
import { asString } from "../shared/json.ts";
import type { Line, Run } from "./lines.ts";
import { meaningOf, redacted } from "./program-lines.ts";

export interface ReadRun {
  entries: TranscriptEntry[];
  /** Of Aider; null if it was not said. */
  version: string | null;
}

export function readRun(run: Run): ReadRun {
  const reader = new RunMessages(run);
  for (const line of run.lines) reader.add(line);
  return reader.end();
}

const THINKING = /^<(thinking-content-\w+)>\s*$/;
const THINKING_BEGINS = /^► \*\*THINKING\*\*\s*$/;
const THINKING_ENDS = /^► \*\*ANSWER\*\*\s*$/;

class RunMessages {
  readonly #startedAt: string | null;
  readonly #messages: MessageEntry[] = [];
  readonly #results: TranscriptEntry[] = [];
  #version: string | null = null;
  #model: string | null = null;
  /** Lines of one kind that stand together, not made a message of yet. */
  #kind: Line["kind"] | null = null;
  #lines: string[] = [];

  constructor({ startedAt }: Run) {
    this.#startedAt = startedAt;
  }

  add({ kind, text }: Line): void {
    // What stands before the first prompt is the command line, which may have many lines.
    const hasPrompt = this.#kind === "prompt" || this.#messages.some(isPrompt);
    const as = kind === "text" && !hasPrompt ? "program" : kind;
    if (kind === "text" && text.trim() === "" && this.#kind !== "text") {
      // Empty lines within a prompt have its mark.
      if (this.#kind === "prompt") this.#flush();
      return;
    }
    if (as !== this.#kind) this.#flush();
    this.#kind = as;
    this.#lines.push(text);
  }

  end(): ReadRun {
    this.#flush();
    return { entries: [...this.#messages, ...this.#results], version: this.#version };
  }

  #flush(): void {
    const lines = this.#lines;
    const kind = this.#kind;
    this.#lines = [];
    this.#kind = null;
    if (kind === "prompt") this.#addPrompt(lines);
    else if (kind === "program") this.#addProgram(lines);
    else if (kind === "text") this.#addMessage("assistant", answerBlocks(lines), { model: this.#model });
  }

  /** A command is no prompt. */
  #addPrompt(lines: readonly string[]): void {
    const text = asString(lines.join("\n").trim());
    if (text === null) return;
    const isCommand = /^[/!]\S/.test(text);
    this.#addMessage("user", [{ type: "text", text }], {
      isSystem: isCommand,
      sourceSubtype: isCommand ? "command" : null,
    });
  }

  #addProgram(lines: readonly string[]): void {
    const said: string[] = [];
    for (const line of lines) {
      const meaning = meaningOf(line, `call-${this.#messages.length}-${this.#results.length}`);
      if (meaning?.kind === "model") this.#model = meaning.model;
      if (meaning?.kind === "version") this.#version = meaning.version;
      if (meaning?.kind === "usage") this.#answer().usage = meaning.usage;
      if (meaning?.kind === "call") this.#addCall(meaning.call, line);
      if (meaning === null || meaning.kind === "model" || meaning.kind === "version")
        said.push(redacted(line));
    }
    const text = asString(said.join("\n").trim());
    if (text !== null)
      this.#addMessage("user", [{ type: "text", text }], { isSystem: true, sourceSubtype: "program" });
  }

  /** It is said when it is done. */
  #addCall(call: Extract<Block, { type: "tool_use" }>, line: string): void {
    this.#answer().blocks.push(call);
    this.#results.push({ kind: "tool_result", toolUseId: call.id, content: line });
  }

  /** @returns the last answer, to which what the program says of it is added; a new one if there is none. */
  #answer(): MessageEntry {
    const last = this.#messages.findLast((message) => !message.isSystem);
    if (last?.role === "assistant") return last;
    return this.#newMessage("assistant", [], { model: this.#model });
  }

  #addMessage(role: MessageEntry["role"], blocks: Block[], more: Partial<MessageEntry>): void {
    if (blocks.length > 0) this.#newMessage(role, blocks, more);
  }

  #newMessage(role: MessageEntry["role"], blocks: Block[], more: Partial<MessageEntry>): MessageEntry {
    const message: MessageEntry = {
      kind: "message",
      key: String(this.#messages.length),
      role,
      blocks,
      // The header has the only time that there is.
      timestamp: this.#messages.length === 0 ? this.#startedAt : null,
      model: null,
      usage: null,
      isSystem: false,
      isCompactBoundary: false,
      isSidechain: false,
      sourceType: role,
      sourceSubtype: null,
      uuid: null,
      parentUuid: null,
      messageId: null,
      requestId: null,
      ...more,
    };
    this.#messages.push(message);
    return message;
  }
}

function isPrompt({ role, isSystem }: MessageEntry): boolean {
  return role === "user" && !isSystem;
}

/** Thoughts stand between marks of one of two kinds. */
function answerBlocks(lines: readonly string[]): Block[] {
  const blocks: Block[] = [];
  let type: "text" | "thinking" = "text";
  let closing: string | null = null;
  let gathered: string[] = [];
  const end = (): void => {
    const text = asString(gathered.join("\n").trim());
    if (text !== null) blocks.push({ type, text });
    gathered = [];
  };
  for (const line of lines) {
    const tag = THINKING.exec(line)?.[1];
    if (type === "text" && (tag !== undefined || THINKING_BEGINS.test(line))) {
      end();
      type = "thinking";
      closing = tag === undefined ? null : `</${tag}>`;
    } else if (
      type === "thinking" &&
      (closing === null ? THINKING_ENDS.test(line) : line.trim() === closing)
    ) {
      end();
      type = "text";
    } else {
      gathered.push(line);
    }
  }
  end();
  return blocks;
}
