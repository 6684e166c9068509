/** Transcripts to measure on: the recordings of the tests, again and again under new ids. */

import { appendFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ClaudeTranscript } from "../../tests/support/claude.ts";
import { FIXTURES } from "../../tests/support/recordings.ts";
import type { Workspace } from "../../tests/support/workspace.ts";

/** Smaller recordings (bytes) were reduced to a header, or broken off at once: no sessions in which something was done. */
const REAL_SESSION_BYTES = 20_000;

export interface Corpus {
  files: number;
  bytes: number;
}

/** Claude Code's and Codex's recordings, half of `bytes` each. */
export function writeRecordings(workspace: Workspace, bytes: number): Corpus {
  const claude = repeat(recordings("claude/.claude/projects"), bytes / 2, (_recording, copy) =>
    join(workspace.claude, "projects", `-project-${copy % 50}`, `${crypto.randomUUID()}.jsonl`),
  );
  const codex = repeat(recordings("codex/.codex/sessions"), bytes / 2, (recording, copy) => {
    const name = basename(recording).replace(/[\da-f-]{36}\.jsonl$/, `${crypto.randomUUID()}.jsonl`);
    return join(workspace.home, ".codex/sessions/2026/01", `${copy % 28}`, name);
  });
  return { files: claude.files + codex.files, bytes: claude.bytes + codex.bytes };
}

/** One transcript of so many bytes, made of one long recording. @returns its id. */
export function writeLongTranscript(workspace: Workspace, bytes: number): string {
  const [longest = ""] = recordings("claude/.claude/projects").toSorted(
    (a, b) => readFileSync(b).length - readFileSync(a).length,
  );
  const text = readFileSync(longest, "utf8");
  const transcript = new ClaudeTranscript(workspace.claude);
  let written = 0;
  for (let copy = 0; written < bytes; copy += 1) {
    // Other messages each time: those with the same ids would be taken for copies.
    const part = text.replaceAll(/"(uuid|parentUuid|id|tool_use_id)":"([^"]+)"/g, `"$1":"$2-${copy}"`);
    appendFileSync(transcript.path, part);
    written += Buffer.byteLength(part);
  }
  return transcript.id;
}

/** Small transcripts of a few messages, thirty to a folder. */
export function writeManyTranscripts(workspace: Workspace, count: number): Corpus {
  const template = new ClaudeTranscript(workspace.claude, "template");
  const text = `${JSON.stringify(template.userRecord("hello"))}\n${JSON.stringify(
    template.assistantRecord([{ type: "text", text: "hello to you" }], "msg_1"),
  )}\n`;
  for (let n = 0; n < count; n += 1) {
    const folder = join(workspace.claude, "projects", `-project-${n % Math.ceil(count / 30)}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${crypto.randomUUID()}.jsonl`), text);
  }
  return { files: count, bytes: count * text.length };
}

function recordings(folder: string): string[] {
  return readdirSync(join(FIXTURES, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".jsonl"))
    .map((path) => join(FIXTURES, folder, path))
    .filter((path) => statSync(path).size >= REAL_SESSION_BYTES);
}

/** @param placeOf where the copy of a recording goes. */
function repeat(
  recordings: readonly string[],
  bytes: number,
  placeOf: (recording: string, copy: number) => string,
): Corpus {
  const corpus = { files: 0, bytes: 0 };
  while (corpus.bytes < bytes) {
    for (const recording of recordings) {
      const content = readFileSync(recording);
      const path = placeOf(recording, corpus.files);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
      corpus.files += 1;
      corpus.bytes += content.length;
    }
  }
  return corpus;
}
