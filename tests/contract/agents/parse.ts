/** What an agent must make of lines. */

import { expect, test } from "bun:test";
import fc from "fast-check";
import type { LinesAgent, ParserState } from "../../../src/agents/agent.ts";
import { cuts } from "../../support/interleaving.ts";
import { everyHostileLine } from "../../support/hostile.ts";
import { parseAll, parseInTurn, recordedIn } from "../../support/recordings.ts";
import type { Portion, Recording } from "../../support/recordings.ts";
import { scaled } from "../../support/scale.ts";
import { faultsOf } from "../../support/well-formed.ts";
import { spoiltIn } from "./spoilt.ts";

/** Characters of JSON; what is stored with every commit must not grow with the transcript. */
const MAX_STATE_LENGTH = 64 * 1024;
/** After so many lines a state has about its full length: as many more may add so much (characters). */
const MANY_LINES = 1500;
const MAX_GROWTH = 4096;

export function parseContract(
  agent: LinesAgent,
  recordings: readonly Recording[],
  specimens: readonly string[],
): void {
  const recorded = recordedIn(recordings);

  test("is pure: it leaves its arguments as they are, and says the same again", () => {
    for (const { files } of recordings) {
      let state: ParserState | null = null;
      for (const { lines, place } of files) {
        const half = Math.floor(lines.length / 2);
        for (const portion of [lines.slice(0, half), lines.slice(half)]) {
          const args = [frozen(portion), frozen(state), frozen(place)] as const;
          const parsed = agent.parse(...args);
          expect(agent.parse(...args)).toEqual(parsed);
          ({ state } = parsed);
        }
      }
    }
  });

  test("gives the same, however the lines are handed to it, with the state as JSON in between", () => {
    for (const recording of recordings) {
      const whole = parseAll(agent, recording);
      const lineByLine = recording.files.flatMap(({ lines, place }) =>
        lines.map((line) => ({ lines: [line], place })),
      );
      expect(parseInTurn(agent, lineByLine, throughJson)).toEqual(whole);
    }
    fc.assert(
      fc.property(recorded, cuts, (recording, cuts) => {
        expect(parseInTurn(agent, portionsOf(recording, cuts), throughJson)).toEqual(
          parseAll(agent, recording),
        );
      }),
      { numRuns: scaled(50, 20) },
    );
  });

  test("keeps a state that does not grow with the transcript", () => {
    for (const { files } of recordings) {
      const [first] = files;
      if (first === undefined) continue;
      const lines = files.flatMap(({ lines }) => lines);
      let state: ParserState | null = null;
      let count = 0;
      /** Goes on with the same lines, in which everything has other ids. */
      const lengthAfter = (total: number): number => {
        for (; count < total; count += lines.length) {
          const round = lines.map((line) => renamed(line, count));
          ({ state } = agent.parse(round, state, first.place));
        }
        return JSON.stringify(state).length;
      };
      const length = lengthAfter(MANY_LINES);
      expect(length).toBeLessThan(MAX_STATE_LENGTH);
      expect(lengthAfter(2 * MANY_LINES) - length).toBeLessThan(MAX_GROWTH);
    }
  });

  test("never throws, whatever stands in place of any value of a record", () => {
    const { place } = recordings[0]?.files[0] ?? {};
    if (place === undefined) throw new Error("a recording has at least one file");
    let state: ParserState | null = null;
    // Which value meets which place changes from one record to the next.
    for (const line of everyHostileLine(specimens, [place.id], 11))
      ({ state } = agent.parse([line], state, place));
    expect(JSON.stringify(state).length).toBeLessThan(MAX_STATE_LENGTH);
  });

  test("stays a parser among hostile lines: same result in any portions, a state that is JSON and bounded", () => {
    fc.assert(
      fc.property(spoiltIn(recordings, specimens), ({ file: { place }, lines }) => {
        const whole = agent.parse(lines, null, place);
        expect(throughJson(whole.state)).toStrictEqual(whole.state);
        expect(faultsOf(whole)).toEqual([]);
        const { facts } = whole.state;
        const subagents = whole.entries.map((entry) => (entry.kind === "subagent" ? entry.sessionId : null));
        expect([facts.parentSessionId, ...subagents]).not.toContain(place.id);
        const lineByLine = [{ lines: [], place }, ...lines.map((line) => ({ lines: [line], place }))];
        expect(parseInTurn(agent, lineByLine, throughJson)).toEqual(whole);
      }),
      { numRuns: scaled(200, 60) },
    );
  });
}

/** Cut between lines. */
function portionsOf({ files }: Recording, cuts: readonly number[]): Portion[] {
  return files.flatMap(({ lines, place }) => {
    const ends = [0, ...cuts, 1].map((part) => Math.floor(part * lines.length)).sort((a, b) => a - b);
    return ends.slice(1).map((end, index) => ({ lines: lines.slice(ends[index], end), place }));
  });
}

/** Between two syncs the state lies in the archive. */
function throughJson(state: ParserState): ParserState {
  return JSON.parse(JSON.stringify(state)) as ParserState;
}

function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    Object.freeze(value);
    for (const member of Object.values(value)) frozen(member);
  }
  return value;
}

/** @returns the line with other ids in it, the same ones for the same `round`. */
function renamed(line: string, round: number): string {
  return line.replaceAll(/"([\w:-]{8,80})"(?!:)/g, (whole, id: string) =>
    /\d/.test(id) && Number.isNaN(Date.parse(id)) ? JSON.stringify(`${id}-${round}`) : whole,
  );
}
