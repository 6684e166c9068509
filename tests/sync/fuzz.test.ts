/**
 * Damaged transcripts of every agent, through the engine into a real archive. `npm test` writes some at random, `npm
 * run test:soak` many; SESSIONWATCH_FUZZ_SEED repeats a run that has failed.
 */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFileSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { LinesAgent } from "../../src/agents/agent.ts";
import { LINES_AGENTS } from "../support/recordings.ts";
import { expectIntegrity } from "../support/archive-image.ts";
import { hurriedClock } from "../support/clock.ts";
import { Dice } from "../support/dice.ts";
import { FUZZ_LINES, FUZZ_SEED, Mutator } from "../support/mutations.ts";
import { linesIn, recordingsOf } from "../support/recordings.ts";
import { SyncedArchive } from "../support/synced.ts";
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

describe.each(LINES_AGENTS.map((agent) => [agent.name, agent] as const))(
  "damaged transcripts of %s",
  (_name, agent) => {
    test(
      `are synced without harm (SESSIONWATCH_FUZZ_SEED=${FUZZ_SEED})`,
      async () => {
        const dice = new Dice(FUZZ_SEED);
        const mutator = new Mutator(linesIn(recordingsOf(agent)), dice);
        const paths = transcriptPaths(agent);
        for (const path of paths) mkdirSync(dirname(path), { recursive: true });
        await using synced = new SyncedArchive(workspace.archive, workspace.home, {
          agent,
          clock: hurriedClock,
          folder: "home",
        });
        for (let done = 0; done < LINES;) {
          for (const path of paths) {
            const lines = Array.from({ length: dice.below(PIECE_LINES) }, () => mutator.next());
            done += lines.length;
            append(
              path,
              flipped(Buffer.from(`${lines.join("\n")}${dice.pick(["\n", "\n", "", "\r\n"])}`), dice),
              dice,
            );
          }
          const { failures } = await synced.engine.syncAll();
          expect(failures).toEqual([]);
          if (dice.chance(0.2)) synced.restart();
        }
        await synced.expectLikeFullImport();
        expectIntegrity(synced.path);
        await expectListable(synced);
      },
      Math.max(60_000, LINES * 20),
    );
  },
);

/** Where the recordings are, in a home of this test's own. */
function transcriptPaths(agent: LinesAgent): string[] {
  return recordingsOf(agent)
    .flatMap(({ files }) => files)
    .filter(({ place }) => place.compression === null)
    .map(({ path }) => join(workspace.home, path));
}

function append(path: string, bytes: Uint8Array, dice: Dice): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > TRANSCRIPT_BYTES || dice.chance(0.01)) writeFileSync(path, bytes);
  else appendFileSync(path, bytes);
}

/** Some bits of the file, newlines among them. */
function flipped(bytes: Buffer, dice: Dice): Buffer {
  for (let left = dice.below(4); left > 0 && bytes.length > 0; left -= 1) {
    const at = dice.below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.below(8));
  }
  return bytes;
}

async function expectListable({ archive }: SyncedArchive): Promise<void> {
  const { sessions, total } = await archive.list({ limit: 1000 });
  expect(sessions).toHaveLength(total);
  for (const { id } of sessions) {
    const messages = await archive.messages(id, { limit: 100_000 });
    JSON.parse(JSON.stringify(messages));
  }
}
