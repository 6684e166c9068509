/**
 * Damaged transcripts of every agent, through the engine into a real archive. The suite writes some at random, `npm run
 * fuzz` many; SESSIONWATCH_FUZZ_SEED repeats a run that has failed.
 */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Agent } from "../../src/agents/agent.ts";
import { AGENTS } from "../../src/agents/registry.ts";
import { FIXTURES, FUZZ_LINES, FUZZ_SEED, Mutator, Random, recordedLines } from "../support/mutations.ts";
import { hurriedClock, SyncedArchive } from "../support/synced.ts";
import { Workspace } from "../support/workspace.ts";

/** A sync does much more with a line than a parser alone. */
const LINES = FUZZ_LINES / 5;
/** Lines that are appended to one transcript before its next sync, at most. */
const PIECE_LINES = 60;
/** A transcript of so many bytes is begun anew. */
const TRANSCRIPT_BYTES = 1_000_000;

let workspace: Workspace;
beforeEach(() => {
  workspace = new Workspace();
});
afterEach(() => workspace[Symbol.dispose]());

describe.each(AGENTS.map((agent) => [agent.name, agent] as const))(
  "damaged transcripts of %s",
  (_name, agent) => {
    test(
      `are synced without harm (SESSIONWATCH_FUZZ_SEED=${FUZZ_SEED})`,
      async () => {
        const random = new Random(FUZZ_SEED);
        const mutator = new Mutator(recordedLines(agent.name), random);
        const paths = transcriptPaths(agent);
        for (const path of paths) mkdirSync(dirname(path), { recursive: true });
        await using synced = archive("grown", agent);
        for (let done = 0; done < LINES;) {
          for (const path of paths) {
            const lines = Array.from({ length: random.below(PIECE_LINES) }, () => mutator.next());
            done += lines.length;
            append(
              path,
              flipped(Buffer.from(`${lines.join("\n")}${random.of(["\n", "\n", "", "\r\n"])}`), random),
              random,
            );
          }
          const { failures } = await synced.engine.syncAll();
          expect(failures).toEqual([]);
          if (random.next() < 0.2) synced.restart();
        }
        await using full = archive("full", agent);
        await full.engine.syncAll();
        // The first says what differs, where the second would print everything.
        expect(readable(synced)).toEqual(readable(full));
        expect(Bun.deepEquals(synced.image(), full.image())).toBe(true);
        expect(synced.query("PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
        await expectListable(synced);
      },
      Math.max(60_000, LINES * 20),
    );
  },
);

function archive(name: string, agent: Agent): SyncedArchive {
  const path = workspace.path(name, "sessions.db");
  return new SyncedArchive(path, workspace.home, { agent, clock: hurriedClock, folder: "home" });
}

/** Where the recordings are, in a home of this test's own. */
function transcriptPaths(agent: Agent): string[] {
  const recordings = join(FIXTURES, agent.name);
  return agent.roots({ env: {}, home: recordings }).flatMap((root) =>
    entriesIn(root)
      .filter((path) => agent.placeOf(path)?.compression === null)
      .map((path) => join(workspace.home, relative(recordings, root), path)),
  );
}

function entriesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" });
  } catch {
    // An agent may have roots of which its recordings know nothing.
    return [];
  }
}

function append(path: string, bytes: Uint8Array, random: Random): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > TRANSCRIPT_BYTES || random.next() < 0.01) writeFileSync(path, bytes);
  else appendFileSync(path, bytes);
}

/** Some bits of the file, newlines among them. */
function flipped(bytes: Buffer, random: Random): Buffer {
  for (let left = random.below(4); left > 0 && bytes.length > 0; left -= 1) {
    const at = random.below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  }
  return bytes;
}

/** What a reader sees of it, in figures. */
function readable(synced: SyncedArchive): unknown {
  return {
    sessions: synced.query(
      `SELECT id, project, message_count, user_message_count, first_message, display_name, title, started_at, ended_at,
        total_output_tokens, peak_context_tokens, parser_malformed_lines, file_size FROM sessions ORDER BY id`,
    ),
    messages: synced.query(
      `SELECT session_id, count(*) AS messages, sum(length(content)) AS length, sum(is_sidechain) AS retracted,
        sum(output_tokens) AS tokens FROM messages GROUP BY session_id ORDER BY session_id`,
    ),
    calls: synced.query(
      `SELECT session_id, count(*) AS calls, sum(length(result_content)) AS length, count(subagent_session_id) AS linked
        FROM tool_calls GROUP BY session_id ORDER BY session_id`,
    ),
  };
}

async function expectListable({ archive }: SyncedArchive): Promise<void> {
  const { sessions, total } = await archive.list({ limit: 1000 });
  expect(sessions).toHaveLength(total);
  for (const { id } of sessions) {
    const messages = await archive.messages(id, { limit: 100_000 });
    JSON.parse(JSON.stringify(messages));
  }
}
