/**
 * Damaged lines for every agent's parser. `npm test` tries some at random, `npm run test:soak` a million per agent.
 * SESSIONWATCH_FUZZ_SEED repeats a run that has failed.
 */

import { heapStats } from "bun:jsc";
import { describe, expect, test } from "bun:test";
import type { LinesAgent, ParserState, TranscriptPlace } from "../../src/agents/agent.ts";
import { LINES_AGENTS } from "../support/recordings.ts";
import { Dice } from "../support/dice.ts";
import { FUZZ_LINES, FUZZ_SEED, Mutator } from "../support/mutations.ts";
import { linesIn, recordingsOf } from "../support/recordings.ts";
import { faultsOf } from "../support/well-formed.ts";

/** Lines that are parsed at once, at most. */
const CHUNK_LINES = 200;
/** A chunk takes some ms; what takes so long (ms) has run away. */
const CHUNK_BUDGET_MS = 5000;
/** How much (bytes) a parser and all that it has found may hold on to, however many lines there were. */
const HEAP_GROWTH_MAX = 64 * 1024 * 1024;
/** The heap is looked at so often in a run: looking takes long. */
const HEAP_LOOKS = 10;
/** Runs of so many lines say what they have measured. */
const TOLD_LINES = 100_000;

const PLACE: TranscriptPlace = { id: "fuzz", parentId: null, isSubagent: false, part: "", compression: null };

describe.each(LINES_AGENTS.map((agent) => [agent.name, agent] as const))(
  "damaged lines of %s",
  (_name, agent) => {
    test(
      `are read without harm (SESSIONWATCH_FUZZ_SEED=${FUZZ_SEED})`,
      () => {
        const dice = new Dice(FUZZ_SEED);
        const mutator = new Mutator(linesIn(recordingsOf(agent)), dice);
        // What is compiled and cached on the way is not held on to by the lines.
        let state = fuzz(agent, mutator, dice, FUZZ_LINES / 5, null);
        const heapBefore = heapBytes();
        let heapMost = heapBefore;
        for (let look = 0; look < HEAP_LOOKS; look += 1) {
          state = fuzz(agent, mutator, dice, (FUZZ_LINES * 4) / 5 / HEAP_LOOKS, state);
          heapMost = Math.max(heapMost, heapBytes());
        }
        const figures = `${megabytes(heapBefore)} of heap before, ${megabytes(heapMost)} at most`;
        if (FUZZ_LINES >= TOLD_LINES) console.log(`${agent.name}: ${FUZZ_LINES} lines, ${figures}`);
        expect(heapMost - heapBefore, `heap, seed ${FUZZ_SEED}`).toBeLessThan(HEAP_GROWTH_MAX);
      },
      Math.max(60_000, FUZZ_LINES),
    );
  },
);

function fuzz(
  agent: LinesAgent,
  mutator: Mutator,
  dice: Dice,
  count: number,
  before: ParserState | null,
): ParserState | null {
  let state = before;
  for (let done = 0; done < count;) {
    const lines = Array.from({ length: 1 + dice.below(CHUNK_LINES) }, () => mutator.next());
    done += lines.length;
    const startedMs = performance.now();
    const parsed = agent.parse(lines, state, PLACE);
    const tookMs = performance.now() - startedMs;
    if (tookMs > CHUNK_BUDGET_MS) fail(`a chunk took ${tookMs.toFixed(0)} ms`, lines);
    const [fault] = faultsOf(parsed);
    if (fault !== undefined) fail(fault, lines);
    // As it is between two syncs.
    state = dice.chance(0.5) ? (JSON.parse(JSON.stringify(parsed.state)) as ParserState) : parsed.state;
    if (dice.chance(0.02)) state = null;
  }
  return state;
}

/** Throws without the matcher's cost, which is more than that of the parser. */
function fail(what: string, lines: readonly string[]): never {
  const longest = lines.reduce((a, b) => (b.length > a.length ? b : a), "");
  throw new Error(
    `seed ${FUZZ_SEED}: ${what}; ${lines.length} lines, the longest: ${longest.slice(0, 2000)}`,
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

function heapBytes(): number {
  Bun.gc(true);
  const { heapSize, extraMemorySize } = heapStats();
  return heapSize + extraMemorySize;
}
