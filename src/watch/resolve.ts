/** Finds the session that a person means: its id, the id without its agent's name, a unique beginning, or `latest`. */

import { sessionNotFound, WatchError } from "../errors.ts";
import type { SessionId, Session } from "../session/session.ts";

/** Where sessions can be looked up: an archive, a server, or an archive and the transcripts beside it. */
export interface SessionIndex {
  has(id: SessionId): Promise<boolean>;
  /** Null if there are no sessions at all. */
  latest(): Promise<SessionId | null>;
  /** Ids that start with `prefix`, with or without their agent's name before the colon. */
  idsStartingWith(prefix: string, limit: number): Promise<SessionId[]>;
}

/** How many candidates are named when there are several. */
const MAX_CANDIDATES = 10;

/** @throws WatchError `session_not_found`, `session_ambiguous` (its message names the candidates, one a line). */
export async function resolveId(wanted: string, index: SessionIndex): Promise<SessionId> {
  if (await index.has(wanted)) return wanted;
  if (wanted === "latest") {
    const latest = await index.latest();
    if (latest !== null) return latest;
    throw new WatchError("session_not_found", "there are no sessions yet");
  }
  const found = wanted === "" ? [] : await index.idsStartingWith(wanted, MAX_CANDIDATES + 1);
  const exact = found.filter((id) => withoutAgent(id) === wanted);
  const candidates = exact.length > 0 ? exact : found;
  const [only] = candidates;
  if (only === undefined) throw sessionNotFound(oneLine(wanted));
  if (candidates.length === 1) return only;
  const lines = candidates.slice(0, MAX_CANDIDATES).map((id) => `  ${oneLine(id)}`);
  if (candidates.length > MAX_CANDIDATES) lines.push("  …");
  throw new WatchError(
    "session_ambiguous",
    `several sessions begin with ${oneLine(wanted)}:\n${lines.join("\n")}`,
  );
}

/** In a message that has one candidate a line, an id must not look like two. */
function oneLine(id: string): string {
  return id.replaceAll("\n", "\\n");
}

/** @returns whether the id starts with `prefix`, its agent's name and colon counted or not. */
export function hasPrefix(id: SessionId, prefix: string): boolean {
  return id.startsWith(prefix) || withoutAgent(id).startsWith(prefix);
}

/** `latest` skips subagents: they show only a part of their session. */
export function isTopLevel({ relationship_type: relationship }: Session): boolean {
  return relationship !== "subagent";
}

function withoutAgent(id: SessionId): string {
  return id.slice(id.indexOf(":") + 1);
}
