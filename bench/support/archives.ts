/** Archives to measure on: ours and somebody else's. */

import { ForeignArchive } from "../../tests/support/archives.ts";
import { ClaudeTranscript } from "../../tests/support/claude.ts";
import { Program } from "../../tests/support/program.ts";
import type { Workspace } from "../../tests/support/workspace.ts";
import { laneOf } from "./lane.ts";

/** Writes `sessions` transcripts of a few messages and syncs them. @returns the transcripts. */
export async function makeOurs(
  workspace: Workspace,
  binary: string,
  sessions: number,
): Promise<ClaudeTranscript[]> {
  const transcripts = Array.from({ length: sessions }, () =>
    new ClaudeTranscript(workspace.claude).user("hello").assistant("hello to you"),
  );
  await using program = new Program(laneOf(binary), ["sync"], workspace.env);
  if ((await program.exit()) !== 0) throw new Error(`cannot sync: ${program.stderr}`);
  return transcripts;
}

/** Writes an archive as agentsview does, with so many sessions of one message. @returns their ids. */
export function makeForeign(path: string, sessions: number): string[] {
  using archive = new ForeignArchive(path);
  const ids = Array.from({ length: sessions }, () => crypto.randomUUID());
  for (const id of ids) archive.add(id);
  return ids;
}
