/** Writes Claude Code transcripts as its writer does: records appended line by line. */

import { appendFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { CWD } from "./project.ts";

export class ClaudeTranscript {
  readonly id: string;
  readonly path: string;
  #records = 0;

  /** @param root a Claude Code configuration folder. */
  constructor(root: string, id: string = crypto.randomUUID(), folder = "-home-someone-projects-demo-app") {
    this.id = id;
    this.path = join(root, "projects", folder, `${id}.jsonl`);
    mkdirSync(dirname(this.path), { recursive: true });
  }

  /** A prompt that a person typed. */
  user(text: string): this {
    return this.append(this.userRecord(text));
  }

  /** A whole answer of one text block. */
  assistant(text: string, messageId = `msg_${crypto.randomUUID()}`): this {
    return this.append(this.assistantRecord([{ type: "text", text }], messageId));
  }

  append(record: object): this {
    return this.write(`${JSON.stringify(record)}\n`);
  }

  /** Bytes as they are: half a line, garbage. */
  write(bytes: string | Uint8Array): this {
    appendFileSync(this.path, bytes);
    return this;
  }

  userRecord(content: string | object[]): Record<string, unknown> {
    return { ...this.#envelope("user"), message: { role: "user", content } };
  }

  assistantRecord(content: object[], messageId: string, outputTokens = 7): Record<string, unknown> {
    const usage = {
      input_tokens: 3,
      cache_creation_input_tokens: 20,
      cache_read_input_tokens: 100,
      output_tokens: outputTokens,
    };
    const message = {
      id: messageId,
      type: "message",
      role: "assistant",
      model: "claude-opus-4-6",
      content,
      usage,
    };
    return { ...this.#envelope("assistant"), message, requestId: `req_${messageId}` };
  }

  #envelope(type: string): Record<string, unknown> {
    this.#records += 1;
    return {
      parentUuid: null,
      isSidechain: false,
      userType: "external",
      cwd: CWD,
      sessionId: this.id,
      version: "2.1.143",
      gitBranch: "main",
      type,
      uuid: crypto.randomUUID(),
      timestamp: new Date(Date.UTC(2026, 0, 1) + this.#records * 1000).toISOString(),
    };
  }
}
