/** Turns the lines of one run into messages. */

import type { Block, MessageEntry, TranscriptEntry } from "../../session/entries.ts";
import { asString } from "../shared/json.ts";
import { messageEntry } from "../shared/message.ts";
import type { Line, ChatRun } from "./lines.ts";
import { meaningOf, redacted } from "./program-lines.ts";

export interface ReadRun {
  entries: TranscriptEntry[];
  /** Of Aider; null if it was not said. */
  version: string | null;
}

export function readRun(run: ChatRun): ReadRun {
  const reader = new RunMessages(run);
  for (const line of run.lines) reader.add(line);
  return reader.end();
}

type Speaker = "person" | "program" | "model";

class RunMessages {
  readonly #startedAt: string | null;
  readonly #messages: MessageEntry[] = [];
  readonly #results: TranscriptEntry[] = [];
  #version: string | null = null;
  #model: string | null = null;
  #hasPrompt = false;
  /** The last message of a person or the model. */
  #last: MessageEntry | null = null;
  /** Lines of one message that stand together. */
  #speaker: Speaker | null = null;
  #lines: Line[] = [];

  constructor({ startedAt }: ChatRun) {
    this.#startedAt = startedAt;
  }

  add(line: Line): void {
    const { kind, text } = line;
    if (kind === "text" && text.trim() === "" && this.#speaker !== "model") {
      // Empty lines of a prompt have its mark, so this one ends it.
      if (this.#speaker === "person") this.#flush();
      return;
    }
    const speaker = this.#speakerOf(kind);
    if (speaker !== this.#speaker) this.#flush();
    this.#speaker = speaker;
    this.#lines.push(line);
  }

  end(): ReadRun {
    this.#flush();
    return { entries: [...this.#messages, ...this.#results], version: this.#version };
  }

  #speakerOf(kind: Line["kind"]): Speaker {
    if (kind === "prompt") return "person";
    // Text before the first prompt is the command line, which can have many lines.
    const hasBegun = this.#hasPrompt || this.#speaker === "person";
    return kind === "program" || (kind === "text" && !hasBegun) ? "program" : "model";
  }

  #flush(): void {
    const lines = this.#lines;
    const speaker = this.#speaker;
    this.#lines = [];
    this.#speaker = null;
    const texts = lines.map(({ text }) => text);
    if (speaker === "person") this.#addPrompt(texts);
    else if (speaker === "program") this.#addProgram(texts);
    else if (speaker === "model") this.#addMessage("assistant", answerBlocks(lines), { model: this.#model });
  }

  /** A command is no prompt. */
  #addPrompt(lines: readonly string[]): void {
    const text = asString(lines.join("\n").trim());
    if (text === null) return;
    const isCommand = /^[/!]\S/.test(text);
    if (!isCommand) this.#hasPrompt = true;
    this.#addMessage("user", [{ type: "text", text }], {
      isSystem: isCommand,
      sourceSubtype: isCommand ? "command" : null,
    });
  }

  #addProgram(lines: readonly string[]): void {
    const said: string[] = [];
    for (const written of lines) {
      const line = redacted(written);
      const meaning = meaningOf(line, `call-${this.#messages.length}-${this.#results.length}`);
      if (meaning?.kind === "model") this.#model = meaning.model;
      if (meaning?.kind === "version") this.#version = meaning.version;
      if (meaning?.kind === "usage") this.#answer().usage = meaning.usage;
      if (meaning?.kind === "call") this.#addCall(meaning.call, line);
      if (meaning === null || meaning.kind === "model" || meaning.kind === "version") said.push(line);
    }
    const text = asString(said.join("\n").trim());
    if (text !== null)
      this.#addMessage("user", [{ type: "text", text }], { isSystem: true, sourceSubtype: "program" });
  }

  /** Aider reports a call when it is done. */
  #addCall(call: Extract<Block, { type: "tool_use" }>, line: string): void {
    this.#answer().blocks.push(call);
    this.#results.push({ kind: "tool_result", toolUseId: call.id, content: line });
  }

  /** @returns the last answer, which reports of the program are about; a new one if there is none. */
  #answer(): MessageEntry {
    if (this.#last?.role === "assistant") return this.#last;
    return this.#newMessage("assistant", [], { model: this.#model });
  }

  #addMessage(role: MessageEntry["role"], blocks: Block[], more: Partial<MessageEntry>): void {
    if (blocks.length > 0) this.#newMessage(role, blocks, more);
  }

  #newMessage(role: MessageEntry["role"], blocks: Block[], more: Partial<MessageEntry>): MessageEntry {
    // The header has the only time that there is.
    const timestamp = this.#messages.length === 0 ? this.#startedAt : null;
    const key = String(this.#messages.length);
    const message = messageEntry({ role, timestamp, sourceType: role }, { key, blocks, ...more });
    this.#messages.push(message);
    if (!message.isSystem) this.#last = message;
    return message;
  }
}

/** Thoughts and texts in their order. */
function answerBlocks(lines: readonly Line[]): Block[] {
  const blocks: Block[] = [];
  for (let from = 0, to = 0; from < lines.length; from = to) {
    const type = lines[from]?.kind === "thinking" ? "thinking" : "text";
    while (to < lines.length && (lines[to]?.kind === "thinking") === (type === "thinking")) to += 1;
    const gathered = lines.slice(from, to).map(({ text }) => text);
    const text = asString(gathered.join("\n").trim());
    if (text !== null) blocks.push({ type, text });
  }
  return blocks;
}
