/**
 * Aider: one Markdown history per project, with all runs in it; each run with a prompt is a session. `lines.ts` tells what
 * each line is, with `quotes.ts` for fences and thoughts; `chat-run.ts` makes messages of them, `program-lines.ts` reads what the
 * program itself says, `local-zone.ts` the times.
 */

import { createHash } from "node:crypto";
import type { DocumentAgent, Surroundings, WholeSession, WrittenDocument } from "../agent.ts";
import { noFacts, noteFirstMessage, noteFolder, noteTime } from "../shared/facts.ts";
import { runsIn } from "./lines.ts";
import type { ChatRun } from "./lines.ts";
import { MACHINE_ZONE } from "./local-zone.ts";
import type { LocalZone } from "./local-zone.ts";
import { readRun } from "./chat-run.ts";

const NAME = "aider";
const FILE = ".aider.chat.history.md";

/** Ids are `aider:`, a digest of the history's path, and the number of the run in it, from 1. */
export const aider: DocumentAgent = aiderIn(MACHINE_ZONE);

/** @param zone of the machine that wrote the histories. */
export function aiderIn(zone: LocalZone): DocumentAgent {
  return {
    name: NAME,
    kind: "document",
    revision: 1,
    documents,
    read: (text, document) => sessionsIn(runsIn(text, zone), document),
  };
}

/** There is no central folder: a history is in a project's folder, or in its repository's folder above. */
function documents({ env, home, folders = [] }: Surroundings): string[] {
  const configured = env["AIDER_CHAT_HISTORY_FILE"];
  const paths = new Set<string>();
  if (configured !== undefined && isAbsolute(configured)) paths.add(configured);
  const names =
    configured === undefined || configured === "" || isAbsolute(configured) ? [FILE] : [configured];
  for (const folder of folders)
    for (const place of withParents(folder, home)) for (const name of names) paths.add(`${place}/${name}`);
  return [...paths];
}

function sessionsIn(runs: readonly ChatRun[], document: WrittenDocument): WholeSession[] {
  return runs.flatMap((run, index) => sessionOf(run, index, index === runs.length - 1, document) ?? []);
}

function sessionOf(
  run: ChatRun,
  index: number,
  isLast: boolean,
  { path, writtenMs }: WrittenDocument,
): WholeSession | null {
  const { entries, version } = readRun(run);
  const facts = noFacts(NAME, { parentId: null });
  noteFirstMessage(facts, entries);
  // A run without a prompt is no session, but counts.
  if (facts.firstMessage === null) return null;
  noteFolder(facts, folderOf(path));
  noteTime(facts, run.startedAt);
  // Lines have no times. Only the last run can be as new as the file.
  if (isLast) noteTime(facts, new Date(writtenMs).toISOString());
  facts.sourceVersion = version;
  return { id: `${NAME}:${digestOf(path)}:${index + 1}`, facts, entries };
}

/** The folder and those above it, as far as they are within the home folder. */
function withParents(folder: string, home: string): string[] {
  const places = [folder];
  for (let place = folder; place.startsWith(`${home}/`) || place.startsWith(`${home}\\`);) {
    place = folderOf(place);
    if (place.length > home.length) places.push(place);
  }
  return places;
}

function folderOf(path: string): string {
  return path.replace(/[/\\][^/\\]*$/, "");
}

function isAbsolute(path: string): boolean {
  return /^([/\\]|[a-z]:)/i.test(path);
}

function digestOf(path: string): string {
  return createHash("sha256").update(path).digest("hex").slice(0, 16);
}
