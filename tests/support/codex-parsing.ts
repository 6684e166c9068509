/** Reads Codex rollouts with its parser alone, and finds in the result what a test asks for. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import type { Parsed, TranscriptPlace } from "../../src/agents/agent.ts";
import { codex } from "../../src/agents/codex/codex.ts";
import type { Block, MessageEntry } from "../../src/session/entries.ts";
import { linesOf } from "./codex.ts";
import type { CodexRecord } from "./codex.ts";
import { FIXTURES } from "./recordings.ts";

export const THREAD = "01a0f000-0000-7000-8000-00000000000a";
export const PLACE = placeIn(`sessions/rollout-2026-01-01T00-00-00-${THREAD}.jsonl`);

export function parse(records: readonly CodexRecord[]): Parsed {
  return codex.parse(linesOf(records), null, PLACE);
}

/** @param burst records that were written at once, before the others. */
export function parseTimed(burst: readonly CodexRecord[], later: readonly CodexRecord[]): Parsed {
  const atOnce = burst.flatMap((record) => linesOf([record]));
  return codex.parse([...atOnce, ...linesOf(later, 10)], null, PLACE);
}

/** @param paths of the files of one thread, in their order. */
export function parseFiles(paths: readonly string[]): Parsed {
  let parsed = nothingOf(paths);
  for (const path of paths) {
    const next = codex.parse(linesIn(path), parsed.state, placeIn(path));
    parsed = { entries: [...parsed.entries, ...next.entries], state: next.state };
  }
  return parsed;
}

function nothingOf([path = ""]: readonly string[]): Parsed {
  return codex.parse([], null, placeIn(path));
}

function linesIn(path: string): string[] {
  const bytes = readFileSync(join(FIXTURES, "codex", path));
  return (path.endsWith(".zst") ? zstdDecompressSync(bytes) : bytes).toString("utf8").split("\n");
}

function placeIn(path: string): TranscriptPlace {
  const place = codex.placeOf(path);
  if (place === null) throw new Error(`no transcript: ${path}`);
  return place;
}

/** The messages as an archive keeps them: what has the key of an earlier one belongs to it. */
export function messagesOf({ entries }: Parsed): MessageEntry[] {
  const messages: MessageEntry[] = [];
  for (const entry of entries) {
    if (entry.kind !== "message") continue;
    const known = entry.key === null ? -1 : messages.findIndex(({ key }) => key === entry.key);
    const before = messages[known];
    if (before === undefined) messages.push(entry);
    else
      messages[known] = {
        ...before,
        blocks: [...before.blocks, ...entry.blocks],
        usage: entry.usage ?? before.usage,
      };
  }
  return messages;
}

export function textsIn(parsed: Parsed): string[] {
  return messagesOf(parsed).map(({ blocks }) =>
    blocks.flatMap((block) => (block.type === "text" ? block.text : [])).join("\n"),
  );
}

export function outputsOf(parsed: Parsed): number[] {
  const assistant = messagesOf(parsed).filter(({ role }) => role === "assistant");
  return assistant.map(({ usage }) => usage?.outputTokens ?? 0);
}

export function usageOf(messages: readonly MessageEntry[]): Record<string, number> {
  const sums: Record<string, number> = { input_tokens: 0, output_tokens: 0, cache_read_input_tokens: 0 };
  for (const { usage } of messages) {
    const counts = JSON.parse(usage?.json ?? "{}") as Record<string, number>;
    for (const [name, tokens] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + tokens;
  }
  return sums;
}

export function retractionsOf({ entries }: Parsed): unknown[] {
  return entries.flatMap((entry) => (entry.kind === "retraction" ? entry.of : []));
}

export function callsOf(parsed: Parsed): Extract<Block, { type: "tool_use" }>[] {
  return messagesOf(parsed).flatMap(({ blocks }) => callsIn(blocks));
}

export function callsIn(blocks: readonly Block[]): Extract<Block, { type: "tool_use" }>[] {
  return blocks.filter((block) => block.type === "tool_use");
}

export function countBy(names: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
