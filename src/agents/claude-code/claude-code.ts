/**
 * Claude Code: one JSONL transcript per session under `projects/<folder>/`.
 *
 * `entries.ts` turns records into messages with `prompts.ts` and `tools.ts`, `links.ts` finds subagents, copies and
 * retractions, `pairing.ts` puts results behind their calls.
 */

import type { SessionFacts } from "../../session/entries.ts";
import type { LinesAgent, Parsed, ParserState, Surroundings, TranscriptPlace } from "../agent.ts";
import { entriesOf } from "./entries.ts";
import { originOf, retractions, subagentLinks } from "./links.ts";
import { NOTHING_TO_PAIR, pair } from "./pairing.ts";
import type { Pairing } from "./pairing.ts";
import { noFacts, noteFirstMessage, noteFolder, noteTime } from "../shared/facts.ts";
import { asName, asObject, asString, asTime } from "../shared/json.ts";
import type { Json } from "../shared/json.ts";
import { parseJsonLines } from "../shared/jsonl.ts";
import type { RecordReader } from "../shared/jsonl.ts";

/** A session's id is the name of its file, without an agent prefix. */
export const claudeCode: LinesAgent = { kind: "lines", name: "claude", revision: 3, roots, placeOf, parse };

/** A transcript is one plain file. */
const ONE_FILE = { part: "", compression: null } as const;

function roots({ env, home }: Surroundings): string[] {
  const configured = asString(env["CLAUDE_CONFIG_DIR"]);
  if (configured !== null) return [`${configured}/projects`];
  const xdg = asString(env["XDG_CONFIG_HOME"]) ?? `${home}/.config`;
  // Some 1.0.x versions wrote to the second one.
  return [`${home}/.claude/projects`, `${xdg}/claude/projects`];
}

/**
 * `<folder>/<session>.jsonl` is a session, and `agent-<id>.jsonl` in the folder `<folder>/<session>/subagents`, at
 * any depth, one of its subagents; older versions put these beside the sessions.
 */
function placeOf(path: string): TranscriptPlace | null {
  const parts = path.split("/");
  const stem = /^(.+)\.jsonl$/s.exec(parts.at(-1) ?? "")?.[1];
  // An id that begins with `<agent>:` belongs to that agent.
  if (stem === undefined || /^[\w-]+:/.test(stem)) return null;
  // The hidden agent that writes compaction summaries holds no conversation.
  if (stem.startsWith("agent-acompact-")) return null;
  const isSubagent = stem.startsWith("agent-");
  if (parts.length === 2) return { ...ONE_FILE, id: stem, parentId: null, isSubagent };
  const isInSession = parts.length >= 4 && parts[2] === "subagents" && isSubagent;
  return isInSession ? { ...ONE_FILE, id: stem, parentId: parts[1] ?? null, isSubagent } : null;
}

function parse(lines: readonly string[], state: ParserState | null, place: TranscriptPlace): Parsed {
  return parseJsonLines(RECORDS, lines, state, place);
}

const RECORDS: RecordReader<Pairing> = {
  beginnings: ['{"parentUuid"', '{"type"'],
  start: (place) => ({ facts: noFacts("claude", place), memory: NOTHING_TO_PAIR }),
  read(record, facts, pairing, place) {
    const found = entriesOf(record, place);
    const paired = pair([...retractions(record, found), ...found, ...subagentLinks(record)], pairing);
    learn(facts, record, place);
    noteFirstMessage(facts, found);
    return { entries: paired.entries, memory: paired.pairing };
  },
};

/** Updates the facts of the session from one record. */
function learn(facts: SessionFacts, record: Json, place: TranscriptPlace): void {
  noteTime(facts, asTime(record["timestamp"]) ?? asTime(asObject(record["snapshot"])?.["timestamp"]));

  facts.sourceVersion = asName(record["version"]) ?? facts.sourceVersion;
  if (record["type"] === "custom-title")
    facts.displayName = asName(record["customTitle"]) ?? asName(record["title"]) ?? facts.displayName;
  if (record["type"] === "ai-title")
    facts.title = asName(record["aiTitle"]) ?? asName(record["title"]) ?? facts.title;
  if (record["type"] === "user") {
    noteFolder(facts, asString(record["cwd"]));
    facts.gitBranch ??= asName(record["gitBranch"]);
  }
  const forkedFrom = originOf(record);
  if (facts.parentSessionId === null && forkedFrom !== null) {
    facts.parentSessionId = forkedFrom;
    facts.relationshipType = "fork";
  }
  const sessionId = asName(record["sessionId"]);
  if (facts.sourceSessionId === null && sessionId !== null) {
    facts.sourceSessionId = sessionId;
    // Flat subagents of older versions say whose they are; a session that begins under another id goes on from it.
    if (facts.parentSessionId === null && sessionId !== place.id) {
      facts.parentSessionId = sessionId;
      facts.relationshipType = place.isSubagent ? "subagent" : "continuation";
    }
  }
}
