/** Reads the first line of a rollout, which describes its thread. */

import type { SessionFacts } from "../../session/entries.ts";
import { noteFolder, noteTime } from "../shared/facts.ts";
import { asName, asObject, asString, asTime } from "../shared/json.ts";
import type { Json } from "../shared/json.ts";

/** @returns the session of a thread. */
export function sessionIdOf(threadId: string): string {
  return `codex:${threadId}`;
}

/** A session begins when its thread was created, which is earlier than its first line: Codex writes that with the first prompt. */
export function noteHeader(facts: SessionFacts, header: Json): void {
  facts.sourceSessionId = asName(header["session_id"]) ?? asName(header["id"]);
  facts.sourceVersion = asName(header["cli_version"]);
  facts.gitBranch = asName(asObject(header["git"])?.["branch"]);
  noteFolder(facts, asName(header["cwd"]));
  noteTime(facts, asTime(header["timestamp"]));

  const { parentId, relationship, isHelper } = lineageOf(header);
  facts.parentSessionId = parentId === null ? null : sessionIdOf(parentId);
  facts.relationshipType = relationship;
  facts.isAutomated = isHelper;
}

/** Which thread this one comes from, and how. */
export interface Lineage {
  /** A thread's id, not a session's; null if there is none, or the header does not say. */
  parentId: string | null;
  relationship: "subagent" | "fork" | null;
  /** Started by the program for itself: reviews, guards, summaries. */
  isHelper: boolean;
}

/** @returns the origin of a thread. A subagent that was forked from its parent counts as a subagent. */
export function lineageOf(header: Json): Lineage {
  const origin = asObject(header["source"])?.["subagent"];
  const spawned = asObject(asObject(origin)?.["thread_spawn"]);
  const spawner = asName(header["parent_thread_id"]) ?? asName(spawned?.["parent_thread_id"]);
  const forkedFrom = asName(header["forked_from_id"]);
  const hasOrigin = asString(origin) !== null || asObject(origin) !== null;
  if (hasOrigin || spawner !== null || header["thread_source"] === "subagent")
    return {
      parentId: spawner ?? forkedFrom,
      relationship: "subagent",
      isHelper: hasOrigin && spawned === null,
    };
  return { parentId: forkedFrom, relationship: forkedFrom === null ? null : "fork", isHelper: false };
}
