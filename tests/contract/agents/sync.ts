/** What the sync engine must make of an agent's transcripts as they are written. */

import { test } from "bun:test";
import fc from "fast-check";
import type { LinesAgent } from "../../../src/agents/agent.ts";
import { FollowedHome } from "../../support/followed-home.ts";
import { cuts, growing, interleave, turns } from "../../support/interleaving.ts";
import type { Recording } from "../../support/recordings.ts";
import { scaled } from "../../support/scale.ts";
import { spoiltIn } from "./spoilt.ts";

export function syncContract(
  agent: LinesAgent,
  recordings: readonly Recording[],
  specimens: readonly string[],
): void {
  test("piece by piece, across sessions and restarts, ends equal to one full import", async () => {
    const chosen = fc.uniqueArray(fc.nat(recordings.length - 1), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(chosen, fc.infiniteStream(cuts), turns, async (chosen, cuts, turns) => {
        await using followed = new FollowedHome(agent);
        const files = chosen.flatMap((index) => recordings[index]?.files ?? []);
        const writers = files.map(({ path, bytes, place }) =>
          // A compressed file is written once.
          growing(path, bytes, place.compression === null ? (cuts.next().value ?? []) : []),
        );
        await interleave(followed, writers, turns);
        await followed.expectLikeFullImport();
      }),
      { numRuns: scaled(25, 8) },
    );
  });

  test("takes hostile lines without a failure, piece by piece as at once", async () => {
    await fc.assert(
      fc.asyncProperty(spoiltIn(recordings, specimens), cuts, turns, async ({ file, lines }, cuts, turns) => {
        await using followed = new FollowedHome(agent);
        await interleave(followed, [growing(file.path, Buffer.from(lines.join("\n")), cuts)], turns);
        await followed.expectLikeFullImport();
      }),
      { numRuns: scaled(25, 8) },
    );
  });
}
