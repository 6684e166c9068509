/** Claude Code: one JSONL transcript per session under `projects/<folder>/`. */

import type { SessionFacts, TranscriptEntry } from "../watch/transcript.ts";
import type { Agent, Parsed, ParserState, Surroundings, TranscriptPlace } from "./agent.ts";
import { entriesOf } from "./claude-code-entries.ts";
import { asObject, asString, asTime, cut, parseObject } from "./json.ts";
import type { Json } from "./json.ts";
import { NOTHING_TO_PAIR, pair } from "./pairing.ts";

export const claudeCode: Agent = { name: "claude", revision: 1, roots, placeOf, parse };

const FIRST_MESSAGE_LENGTH = 300;

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
  const stem = /^(.+)\.jsonl$/.exec(parts.at(-1) ?? "")?.[1];
  if (stem === undefined) return null;
  // The hidden agent that writes compaction summaries holds no conversation.
  if (stem.startsWith("agent-acompact-")) return null;
  const isSubagent = stem.startsWith("agent-");
  if (parts.length === 2) return { id: stem, parentId: null, isSubagent };
  const isInSession = parts.length >= 4 && parts[2] === "subagents" && isSubagent;
  return isInSession ? { id: stem, parentId: parts[1] ?? null, isSubagent } : null;
}

function parse(lines: readonly string[], state: ParserState | null, place: TranscriptPlace): Parsed {
  const facts = { ...(state?.facts ?? noFacts(place)) };
  let pairing = state?.pairing ?? NOTHING_TO_PAIR;
  const entries: TranscriptEntry[] = [];
  for (const line of lines) {
    if (line.trim() === "") continue;
    const record = parseObject(line);
    const found = record === null ? null : readableEntries(record, place);
    if (record === null || found === null) {
      facts.malformedLines += 1;
      continue;
    }
    const paired = pair(found, pairing);
    entries.push(...paired.entries);
    pairing = paired.pairing;
    learn(facts, record, place);
    facts.firstMessage ??= firstTyped(found);
  }
  return { entries, state: { facts, pairing } };
}

/** @returns null for a record that is nested too deeply to be written as JSON again. */
function readableEntries(record: Json, place: TranscriptPlace): TranscriptEntry[] | null {
  try {
    return entriesOf(record, place);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function firstTyped(entries: readonly TranscriptEntry[]): string | null {
  for (const entry of entries) {
    if (entry.kind !== "message" || entry.role !== "user" || entry.isSystem || entry.isSidechain) continue;
    const text = entry.blocks.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("\n");
    return asString(cut(text.trim(), FIRST_MESSAGE_LENGTH));
  }
  return null;
}

function noFacts({ parentId }: TranscriptPlace): SessionFacts {
  return {
    agent: "claude",
    project: "",
    cwd: null,
    gitBranch: null,
    firstMessage: null,
    displayName: null,
    startedAt: null,
    endedAt: null,
    parentSessionId: parentId,
    relationshipType: parentId === null ? null : "subagent",
    sourceSessionId: null,
    sourceVersion: null,
    malformedLines: 0,
  };
}

/** Records about the session, and what every record says about it. */
function learn(facts: SessionFacts, record: Json, place: TranscriptPlace): void {
  const time = asTime(record["timestamp"]) ?? asTime(asObject(record["snapshot"])?.["timestamp"]);
  // Order in the file is not order in time.
  if (time !== null && (facts.startedAt === null || time < facts.startedAt)) facts.startedAt = time;
  if (time !== null && (facts.endedAt === null || time > facts.endedAt)) facts.endedAt = time;

  facts.sourceVersion = asString(record["version"]) ?? facts.sourceVersion;
  const title = asString(record["customTitle"]) ?? asString(record["title"]);
  if (record["type"] === "custom-title" && title !== null) facts.displayName = title;
  if (record["type"] === "user") {
    const cwd = asString(record["cwd"]);
    if (facts.cwd === null && cwd !== null) {
      facts.cwd = cwd;
      facts.project = projectOf(cwd);
    }
    facts.gitBranch ??= asString(record["gitBranch"]);
  }
  const sessionId = asString(record["sessionId"]);
  if (facts.sourceSessionId === null && sessionId !== null) {
    facts.sourceSessionId = sessionId;
    // Flat subagents of older versions say whose they are; a session that begins under another id goes on from it.
    if (facts.parentSessionId === null && sessionId !== place.id) {
      facts.parentSessionId = sessionId;
      facts.relationshipType = place.isSubagent ? "subagent" : "continuation";
    }
  }
}

/** The base name of the working folder, as an agentsview archive names projects. */
function projectOf(cwd: string): string {
  const name = cwd.split(/[\\/]+/).findLast((part) => part !== "") ?? "";
  return name.replaceAll("-", "_");
}
