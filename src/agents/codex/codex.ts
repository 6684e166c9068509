/**
 * Codex: a JSONL rollout per thread under `sessions/YYYY/MM/DD/`, flat under `archived_sessions/`.
 *
 * `header.ts` reads the first line, `history.ts` decides which lines are copies from another thread, `entries.ts` turns
 * items into messages with `content.ts`, `prompts.ts` and `tools.ts`, `links.ts` finds subagents, `tokens.ts` counts.
 */

import { isTyped } from "../../session/entries.ts";
import type { MessageEntry, SessionFacts, TranscriptEntry } from "../../session/entries.ts";
import type { LinesAgent, Parsed, ParserState, Surroundings, TranscriptPlace } from "../agent.ts";
import { textsOf } from "./content.ts";
import { boundaryEntry, entriesOf, usageEntry } from "./entries.ts";
import { noteHeader, sessionIdOf } from "./header.ts";
import { NO_HISTORY, stand, withoutPrompts, withPrompt } from "./history.ts";
import type { History, Standing } from "./history.ts";
import { linkSpawns } from "./links.ts";
import { folderIn, requestIn } from "./prompts.ts";
import { count, nextMessage, NOTHING_COUNTED } from "./tokens.ts";
import type { Tally } from "./tokens.ts";
import { noFacts, noteFirstMessage, noteFolder, noteTime } from "../shared/facts.ts";
import { asCount, asName, asObject, asString, asTime } from "../shared/json.ts";
import type { Json } from "../shared/json.ts";
import { parseJsonLines } from "../shared/jsonl.ts";
import type { Reading, RecordReader } from "../shared/jsonl.ts";

/** Its sessions' ids are `codex:<thread>`. */
export const codex: LinesAgent = { kind: "lines", name: "codex", revision: 1, roots, placeOf, parse };

function roots({ env, home }: Surroundings): string[] {
  const root = asString(env["CODEX_HOME"]) ?? `${home}/.codex`;
  return [`${root}/sessions`, `${root}/archived_sessions`];
}

/** `rollout-<local time>-<thread>.jsonl`, and `…-<thread>_<number or UUIDv7>.jsonl` for the files that follow it. */
const FILE_NAME =
  /^rollout-(?:.*-)?([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})(?:_([\w-]+))?\.jsonl(\.zst)?$/i;

function placeOf(path: string): TranscriptPlace | null {
  const [, threadId, window, suffix] = FILE_NAME.exec(path.split("/").at(-1) ?? "") ?? [];
  if (threadId === undefined) return null;
  return {
    id: sessionIdOf(threadId),
    parentId: null,
    isSubagent: false,
    part: window?.replace(/^\d+$/, (number) => number.padStart(10, "0")) ?? "",
    compression: suffix === undefined ? null : "zstd",
  };
}

function parse(lines: readonly string[], state: ParserState | null, place: TranscriptPlace): Parsed {
  return parseJsonLines(RECORDS, lines, state, place);
}

interface Memory {
  /** Of the last turn. */
  model: string | null;
  /** The assistant's, so far. */
  messages: number;
  history: History;
  tally: Tally;
  spawns: readonly string[];
}

const START: Memory = { model: null, messages: 0, history: NO_HISTORY, tally: NOTHING_COUNTED, spawns: [] };

const RECORDS: RecordReader<Memory> = {
  beginnings: ['{"timestamp"'],
  start: (place) => ({ facts: noFacts("codex", place), memory: START }),
  read(written, facts, before, place) {
    const record = recordOf(written);
    const standing = stand(
      before.history,
      written,
      record.kind === "session_meta" ? record.payload : null,
      place.id,
    );
    const reading = standing.isParents
      ? onlyCounted(record, before, standing)
      : converse(record, before, standing);
    learn(facts, record, standing, reading.entries, place);
    return reading;
  },
};

interface CodexRecord {
  written: Json;
  kind: string;
  payload: Json;
  timestamp: string | null;
}

/** Versions before about 0.40 (2025-09) write items and the header without an envelope. */
function recordOf(written: Json): CodexRecord {
  const timestamp = asTime(written["timestamp"]);
  const type = asString(written["type"]);
  const payload = asObject(written["payload"]);
  if (payload !== null) return { written, kind: type ?? "", payload, timestamp };
  const bareHeader = asString(written["id"]) === null ? "" : "session_meta";
  return { written, kind: type === null ? bareHeader : "response_item", payload: written, timestamp };
}

/** Takes texts from the items that the model receives and sends; events repeat them for the interface. */
function converse(record: CodexRecord, before: Memory, standing: Standing): Reading<Memory> {
  const { kind, payload, timestamp } = record;
  const context = { timestamp, model: before.model, key: `m${before.messages}` };
  const memory = { ...before, history: standing.history };
  switch (kind) {
    case "response_item":
      return remember(entriesOf(payload, context), record, memory);
    case "compacted":
      return { entries: [boundaryEntry(payload, context)], memory };
    case "turn_context":
      return { entries: [], memory: { ...memory, model: asName(payload["model"]) ?? memory.model } };
    case "event_msg":
      return readEvent(record, memory, standing);
    case "session_meta":
      return takeBack(standing, memory);
    default:
      return { entries: [], memory };
  }
}

/** Lines copied from the parent give no entries; they only set the total from which this thread counts on. */
function onlyCounted({ kind, payload }: CodexRecord, before: Memory, { history }: Standing): Reading<Memory> {
  const info = kind === "event_msg" && payload["type"] === "token_count" ? asObject(payload["info"]) : null;
  const { tally } = count(before.tally, info, { isCopied: true, isContinuation: true });
  return { entries: [], memory: { ...before, history, tally } };
}

function remember(found: TranscriptEntry[], { written }: CodexRecord, before: Memory): Reading<Memory> {
  const memory = { ...before };
  const entries = found.map((entry): TranscriptEntry => {
    if (isTyped(entry)) memory.history = withPrompt(memory.history, written, memory.tally.total);
    if (entry.kind !== "message" || entry.key === null) return entry;
    const { tally, usage } = nextMessage(memory.tally, entry.key);
    memory.messages += 1;
    memory.tally = tally;
    return { ...entry, usage };
  });
  const { links, spawns } = linkSpawns(entries, null, memory.spawns);
  return { entries: [...entries, ...links], memory: { ...memory, spawns } };
}

function readEvent({ payload }: CodexRecord, memory: Memory, { isCopied }: Standing): Reading<Memory> {
  if (payload["type"] === "token_count") {
    const { isContinuation } = memory.history;
    const { tally, usage } = count(memory.tally, asObject(payload["info"]), { isCopied, isContinuation });
    const entries = usage === null || tally.key === null ? [] : [usageEntry(tally.key, usage)];
    return { entries, memory: { ...memory, tally } };
  }
  if (payload["type"] === "thread_rolled_back") {
    const lastPrompts = asCount(payload["num_turns"]) ?? 0;
    if (lastPrompts === 0) return { entries: [], memory };
    const history = withoutPrompts(memory.history, lastPrompts);
    return { entries: [{ kind: "retraction", of: { lastPrompts } }], memory: { ...memory, history } };
  }
  const { links, spawns } = linkSpawns([], payload, memory.spawns);
  return { entries: links, memory: { ...memory, spawns } };
}

/** A file that continues from an earlier point of the thread also continues from the total at that point. */
function takeBack({ cut }: Standing, memory: Memory): Reading<Memory> {
  const [first] = cut;
  if (first === undefined) return { entries: [], memory };
  const tally = { ...memory.tally, total: first.total };
  return { entries: [{ kind: "retraction", of: { lastPrompts: cut.length } }], memory: { ...memory, tally } };
}

function learn(
  facts: SessionFacts,
  { kind, payload, timestamp }: CodexRecord,
  { header, isParents }: Standing,
  entries: readonly TranscriptEntry[],
  place: TranscriptPlace,
): void {
  noteTime(facts, timestamp);
  if (header !== null) noteHeader(facts, header);
  if (isParents) return;
  if (kind === "turn_context") noteFolder(facts, asString(payload["cwd"]));
  if (facts.cwd === null && payload["role"] === "user")
    for (const text of textsOf(payload["content"])) noteFolder(facts, folderIn(text));
  if (kind === "event_msg" && payload["type"] === "thread_name_updated") noteName(facts, payload, place);
  noteFirstMessage(facts, entries.filter(isTyped).map(asRequest));
}

/** Ignores copied lines, which name the parent. */
function noteName(facts: SessionFacts, event: Json, place: TranscriptPlace): void {
  const threadId = asString(event["thread_id"]);
  if (threadId !== null && sessionIdOf(threadId) !== place.id) return;
  facts.displayName = asName(event["thread_name"]) ?? asName(event["name"]);
}

function asRequest(prompt: MessageEntry): MessageEntry {
  const blocks = prompt.blocks.map((block) =>
    block.type === "text" ? { ...block, text: requestIn(block.text) } : block,
  );
  return { ...prompt, blocks };
}
