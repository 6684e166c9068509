/** Writers that take turns at the transcripts of one home. */

import fc from "fast-check";
import { looks } from "./followed-home.ts";
import type { FollowedHome, Look, Step } from "./followed-home.ts";

/** Whose step is next, and who looks at it. */
export interface Turn {
  writer: number;
  look: Look;
}

export const turns: fc.Arbitrary<Turn[]> = fc.array(fc.record({ writer: fc.nat(), look: looks }), {
  maxLength: 60,
  size: "max",
});

/** Every writer takes its steps in their order; the turns say how they interleave. */
export async function interleave(
  home: FollowedHome,
  writers: readonly (readonly Step[])[],
  turns: readonly Turn[],
): Promise<void> {
  let waiting = writers.map((steps) => [...steps]).filter((steps) => steps.length > 0);
  for (let turn = 0; waiting.length > 0; turn += 1) {
    const { writer, look } = turns[turn] ?? { writer: turn, look: { by: "file", restarts: true } };
    const step = waiting[writer % waiting.length]?.shift();
    if (step !== undefined) await home.look(step(home), look);
    waiting = waiting.filter((steps) => steps.length > 0);
  }
}

/** Where to cut, as parts of the whole: inside lines and characters as well. */
export const cuts: fc.Arbitrary<number[]> = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
  maxLength: 8,
});

/** @returns the writing of a file in pieces. */
export function growing(path: string, bytes: Uint8Array, cuts: readonly number[]): Step[] {
  const ends = [...cuts, 1].map((part) => Math.floor(part * bytes.length)).sort((a, b) => a - b);
  return ends.map((end, index) => (home) => {
    home.append(path, bytes.subarray(ends[index - 1] ?? 0, end));
    return path;
  });
}
