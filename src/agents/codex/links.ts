/** Links calls of Codex to the subagents that they started. */

import type { SubagentEntry, TranscriptEntry } from "../../session/entries.ts";
import { sessionIdOf } from "./header.ts";
import { asObject, asString, parseObject } from "../shared/json.ts";
import type { Json } from "../shared/json.ts";

/** How many calls may wait for the link to their subagent; older ones are forgotten. */
const MAX_SPAWNS = 50;

/** New links, and the calls that still wait for theirs. */
export interface Linked {
  links: SubagentEntry[];
  /** Calls that have started a subagent which is not known yet, the newest last. */
  spawns: readonly string[];
}

/**
 * The call's result, an event, or both name the new thread: the first one counts.
 *
 * @param event the payload, if the record is one.
 */
export function linkSpawns(
  entries: readonly TranscriptEntry[],
  event: Json | null,
  before: readonly string[],
): Linked {
  const begun = entries.flatMap(spawnsIn);
  // Most records have nothing to link.
  if (before.length + begun.length === 0) return { links: [], spawns: before };
  const spawns = [...before, ...begun].slice(-MAX_SPAWNS);
  const named = [...entries.flatMap(namedByResult), ...namedByEvent(event)];
  const links = named.filter(({ toolUseId }) => spawns.includes(toolUseId));
  return { links, spawns: spawns.filter((id) => !links.some(({ toolUseId }) => toolUseId === id)) };
}

function spawnsIn(entry: TranscriptEntry): string[] {
  if (entry.kind !== "message") return [];
  return entry.blocks.flatMap((block) =>
    block.type === "tool_use" && block.name === "spawn_agent" ? [block.id] : [],
  );
}

function namedByResult(entry: TranscriptEntry): SubagentEntry[] {
  if (entry.kind !== "tool_result" || !entry.content.startsWith("{")) return [];
  const result = parseObject(entry.content);
  return link(entry.toolUseId, result?.["agent_id"] ?? result?.["thread_id"]);
}

function namedByEvent(event: Json | null): SubagentEntry[] {
  if (event?.["type"] === "collab_agent_spawn_end") return link(event["call_id"], event["new_thread_id"]);
  const item = event?.["type"] === "item_completed" ? asObject(event["item"]) : null;
  const activity = item?.["type"] === "SubAgentActivity" ? item : event;
  if (activity?.["kind"] !== "started") return [];
  // The activity has the id of the call that it belongs to.
  return link(activity["event_id"] ?? activity["id"], activity["agent_thread_id"]);
}

/** Newer versions name agents by paths; only a thread's id leads to a session. */
function link(callId: unknown, threadId: unknown): SubagentEntry[] {
  const toolUseId = asString(callId);
  const id = asString(threadId) ?? "";
  if (toolUseId === null || !/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(id)) return [];
  return [{ kind: "subagent", toolUseId, sessionId: sessionIdOf(id) }];
}
