/** Writes Codex rollouts as its writer does: records appended line by line. */

import { appendFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { CWD } from "./project.ts";

/** A line before it is written: it has no time yet. */
export interface CodexRecord {
  type: string;
  payload: Record<string, unknown>;
  ordinal?: number;
}

/** Tokens as Codex counts them. */
export type TokenTotal = [input: number, cached: number, output: number];

/** @param fields beside what every header has; undefined takes one away. */
export function header(id: string, fields: Record<string, unknown> = {}): CodexRecord {
  const git = {
    commit_hash: "0".repeat(40),
    branch: "main",
    repository_url: "https://example.invalid/demo.git",
  };
  const known = {
    id,
    timestamp: timeOf(0),
    cwd: CWD,
    originator: "codex_cli_rs",
    cli_version: "0.130.0",
    source: "cli",
  };
  return { type: "session_meta", payload: { ...known, git, ...fields } };
}

export function turnContext(model: string): CodexRecord {
  return {
    type: "turn_context",
    payload: { turn_id: "turn-1", cwd: CWD, model, approval_policy: "on-request" },
  };
}

export function item(type: string, fields: Record<string, unknown>): CodexRecord {
  return { type: "response_item", payload: { type, ...fields } };
}

export function event(type: string, fields: Record<string, unknown> = {}): CodexRecord {
  return { type: "event_msg", payload: { type, ...fields } };
}

/** @param texts one block each. */
export function prompt(...texts: string[]): CodexRecord {
  return item("message", { role: "user", content: texts.map((text) => ({ type: "input_text", text })) });
}

export function answer(text: string): CodexRecord {
  return item("message", { role: "assistant", content: [{ type: "output_text", text }] });
}

export function call(callId: string, name: string, input: object): CodexRecord {
  return item("function_call", { call_id: callId, name, arguments: JSON.stringify(input) });
}

export function output(callId: string, text: unknown): CodexRecord {
  return item("function_call_output", { call_id: callId, output: text });
}

/** @param last of the last response. @default the total, as after a thread's first response */
export function tokens(total: TokenTotal, last: TokenTotal = total): CodexRecord {
  const info = {
    total_token_usage: usage(total),
    last_token_usage: usage(last),
    model_context_window: 258_400,
  };
  return event("token_count", { info, rate_limits: null });
}

/** @returns the lines of a file whose records follow each other by a second. */
export function linesOf(records: readonly CodexRecord[], from = 0): string[] {
  return records.map((record, index) => JSON.stringify({ timestamp: timeOf(from + index), ...record }));
}

export class CodexRollout {
  readonly id: string;
  readonly path: string;
  #records = 0;

  /**
   * @param root a Codex home.
   * @param window of a file that goes on with a thread.
   */
  constructor(root: string, id: string = crypto.randomUUID(), window = "") {
    this.id = id;
    const suffix = window === "" ? "" : `_${window}`;
    this.path = join(root, `sessions/2026/01/01/rollout-2026-01-01T00-00-00-${id}${suffix}.jsonl`);
    mkdirSync(dirname(this.path), { recursive: true });
  }

  /** What a new thread begins with. */
  begin(fields: Record<string, unknown> = {}): this {
    return this.append(header(this.id, fields)).append(turnContext("gpt-5.5"));
  }

  /** A prompt that a person typed. */
  user(text: string): this {
    return this.append(prompt(text));
  }

  assistant(text: string): this {
    return this.append(answer(text));
  }

  append(record: CodexRecord): this {
    const [line] = linesOf([record], this.#records);
    this.#records += 1;
    return this.write(`${line}\n`);
  }

  /** Bytes as they are: half a line, garbage. */
  write(bytes: string | Uint8Array): this {
    appendFileSync(this.path, bytes);
    return this;
  }
}

function usage([input, cached, output]: TokenTotal): Record<string, number> {
  return {
    input_tokens: input,
    cached_input_tokens: cached,
    output_tokens: output,
    reasoning_output_tokens: 0,
    total_tokens: input + output,
  };
}

function timeOf(seconds: number): string {
  return new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();
}
