/** Says what is wrong with what a parser has found: an archive takes whatever it is given. */

import type { Parsed } from "../../src/agents/agent.ts";
import type { Block, SessionFacts, TranscriptEntry } from "../../src/session/entries.ts";

/**
 * Longest state (characters of text) that lines may leave behind, whatever they hold: an archive stores it with every
 * commit. The parsers keep up to a million characters of results whose calls come later, and some hundred ids.
 */
export const STATE_MAX = 2_000_000;

/** @returns what is not as `watch/transcript.ts` says; nothing if all is well. */
export function faultsOf({ entries, state }: Parsed): string[] {
  const faults = new Faults();
  for (const entry of entries) checkEntry(entry, faults);
  checkFacts(state.facts, faults);
  faults.atMost("characters in the state", textLength(state), STATE_MAX);
  return faults.found;
}

class Faults {
  readonly found: string[] = [];

  /** Text that every archive gives back as it was. */
  text(name: string, value: unknown): void {
    if (typeof value !== "string") this.#add(name, value, "is no string");
    else if (value.includes("\0")) this.#add(name, value, "holds a NUL");
    else if (!value.isWellFormed()) this.#add(name, value, "holds half a surrogate pair");
  }

  textOrNull(name: string, value: unknown): void {
    if (value !== null) this.text(name, value);
  }

  flag(name: string, value: unknown): void {
    if (typeof value !== "boolean") this.#add(name, value, "is no boolean");
  }

  /** RFC 3339 UTC. */
  timeOrNull(name: string, value: unknown): void {
    if (value === null) return;
    const isTime = typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value);
    if (!isTime || Number.isNaN(Date.parse(value))) this.#add(name, value, "is no time");
  }

  countOrNull(name: string, value: unknown): void {
    if (value !== null && !(Number.isSafeInteger(value) && Number(value) >= 0))
      this.#add(name, value, "is no count");
  }

  json(name: string, value: unknown): void {
    this.text(name, value);
    try {
      JSON.parse(String(value));
    } catch {
      this.#add(name, value, "is no JSON");
    }
  }

  atMost(name: string, value: number, most: number): void {
    if (value > most) this.#add(name, value, `are more than ${most}`);
  }

  oneOf(name: string, value: unknown, values: readonly unknown[]): void {
    if (!values.includes(value)) this.#add(name, value, `is none of ${values.join(" ")}`);
  }

  #add(name: string, value: unknown, what: string): void {
    const text = typeof value === "string" ? JSON.stringify(value) : String(value);
    this.found.push(`${name} ${what}: ${text.slice(0, 80)}`);
  }
}

function checkEntry(entry: TranscriptEntry, faults: Faults): void {
  switch (entry.kind) {
    case "message":
      faults.oneOf("role", entry.role, ["user", "assistant"]);
      faults.timeOrNull("timestamp", entry.timestamp);
      for (const flag of ["isSystem", "isCompactBoundary", "isSidechain"] as const)
        faults.flag(flag, entry[flag]);
      for (const name of [
        "key",
        "model",
        "sourceSubtype",
        "uuid",
        "parentUuid",
        "messageId",
        "requestId",
      ] as const)
        faults.textOrNull(name, entry[name]);
      faults.text("sourceType", entry.sourceType);
      for (const block of entry.blocks) checkBlock(block, faults);
      if (entry.usage === null) return;
      faults.json("usage", entry.usage.json);
      faults.countOrNull("contextTokens", entry.usage.contextTokens);
      faults.countOrNull("outputTokens", entry.usage.outputTokens);
      return;
    case "tool_result":
      faults.text("toolUseId", entry.toolUseId);
      return faults.text("result", entry.content);
    case "subagent":
      faults.text("toolUseId", entry.toolUseId);
      return faults.text("sessionId", entry.sessionId);
    case "retraction":
      if ("lastPrompts" in entry.of) return faults.countOrNull("lastPrompts", entry.of.lastPrompts);
      for (const uuid of "uuids" in entry.of ? entry.of.uuids : Object.values(entry.of.siblingsOf))
        faults.text("retracted uuid", uuid);
      return;
    default:
      faults.oneOf("kind", (entry as { kind: unknown }).kind, []);
  }
}

function checkBlock(block: Block, faults: Faults): void {
  if (block.type !== "tool_use") {
    faults.oneOf("block type", block.type, ["text", "thinking"]);
    return faults.text(block.type, block.text);
  }
  for (const name of ["id", "name", "category", "subject"] as const) faults.text(name, block[name]);
  faults.json("input", block.input);
}

function checkFacts(facts: SessionFacts, faults: Faults): void {
  const { agent, project, startedAt, endedAt, relationshipType, isAutomated, malformedLines, ...texts } =
    facts;
  faults.text("agent", agent);
  faults.text("project", project);
  faults.timeOrNull("startedAt", startedAt);
  faults.timeOrNull("endedAt", endedAt);
  faults.oneOf("relationshipType", relationshipType, ["subagent", "fork", "continuation", null]);
  faults.flag("isAutomated", isAutomated);
  faults.countOrNull("malformedLines", malformedLines);
  for (const [name, text] of Object.entries(texts)) faults.textOrNull(name, text);
}

/** @returns the length of all names and texts in a value, as they are before JSON escapes them. */
function textLength(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  return Object.entries(value).reduce((sum, [name, member]) => sum + name.length + textLength(member), 0);
}
