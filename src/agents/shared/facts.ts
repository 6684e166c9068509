/** Facts about a session that the parsers of all agents collect in the same way. */

import { isTyped, textOf } from "../../session/entries.ts";
import type { SessionFacts, TranscriptEntry } from "../../session/entries.ts";
import type { TranscriptPlace } from "../agent.ts";
import { asName, asString, cut } from "./json.ts";

/** UTF-16 units. */
const FIRST_MESSAGE_LENGTH = 300;

/** @param agent as the archive's `agent` column has it. */
export function noFacts(agent: string, { parentId }: Pick<TranscriptPlace, "parentId">): SessionFacts {
  return {
    agent,
    project: "",
    cwd: null,
    gitBranch: null,
    firstMessage: null,
    displayName: null,
    title: null,
    startedAt: null,
    endedAt: null,
    parentSessionId: parentId,
    relationshipType: parentId === null ? null : "subagent",
    sourceSessionId: null,
    sourceVersion: null,
    isAutomated: false,
    malformedLines: 0,
  };
}

/** @param time RFC 3339 UTC. Records of a transcript are not always in order of time. */
export function noteTime(facts: SessionFacts, time: string | null): void {
  if (time === null) return;
  if (facts.startedAt === null || time < facts.startedAt) facts.startedAt = time;
  if (facts.endedAt === null || time > facts.endedAt) facts.endedAt = time;
}

/** Keeps the first working folder that a transcript names. */
export function noteFolder(facts: SessionFacts, cwd: string | null): void {
  if (facts.cwd !== null) return;
  facts.cwd = asName(cwd);
  facts.project = projectOf(facts.cwd ?? "");
}

/** Keeps the first text that a person typed: lists show it when a session has no title. */
export function noteFirstMessage(facts: SessionFacts, entries: readonly TranscriptEntry[]): void {
  if (facts.firstMessage !== null) return;
  const typed = entries.find(isTyped);
  if (typed === undefined) return;
  facts.firstMessage = asString(cut(textOf(typed.blocks).trim(), FIRST_MESSAGE_LENGTH));
}

/** The base name of the working folder, as an agentsview archive names projects. */
function projectOf(cwd: string): string {
  const name = cwd.split(/[\\/]+/).findLast((part) => part !== "") ?? "";
  return name.replaceAll("-", "_");
}
