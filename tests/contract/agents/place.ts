/** What an agent must make of paths. */

import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Agent, LinesAgent } from "../../../src/agents/agent.ts";
import type { Recording } from "../../support/recordings.ts";
import { scaled } from "../../support/scale.ts";

export function placeContract(agent: LinesAgent, recordings: readonly Recording[]): void {
  const paths = recordings.flatMap(({ files }) => files.map(({ pathInRoot }) => pathInRoot));

  test("gives an id that a session keeps", () => {
    for (const path of paths) {
      const place = agent.placeOf(path);
      expect(place?.id).toMatch(idOf(agent));
      expect(agent.placeOf(path)).toEqual(place);
    }
  });

  test("takes a path for what it is, however odd, and never throws", () => {
    const piece = fc.oneof(
      fc.constantFrom("", "/", "..", "//", "\\", "\0", "\ud800", ".jsonl", "\n", "%2F", "x".repeat(5000)),
      fc.string({ unit: "binary", maxLength: 5 }),
    );
    const spoilt = fc
      .tuple(fc.constantFrom(...paths), fc.nat(), fc.nat(3), piece)
      .map(([path, at, length, piece]) => {
        const from = at % (path.length + 1);
        return path.slice(0, from) + piece + path.slice(from + length);
      });
    const path = fc.oneof(
      { weight: 4, arbitrary: spoilt },
      fc.array(piece).map((pieces) => pieces.join("")),
    );
    fc.assert(
      fc.property(path, (path) => {
        const place = agent.placeOf(path);
        expect(agent.placeOf(path)).toEqual(place);
        if (place !== null) expect(place.id).toMatch(idOf(agent));
      }),
      { numRuns: scaled(2000, 500) },
    );
  });
}

/** Claude Code's ids stand bare in an archive, all others behind their agent's name (formats: "sessions.id"). */
export function idOf({ name }: Agent): RegExp {
  return name === "claude" ? /^[^]+$/ : new RegExp(`^${name}:[^]+$`);
}
