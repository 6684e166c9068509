import { zstdCompressSync } from "node:zlib";
import { describe, test } from "bun:test";
import fc from "fast-check";
import type { LinesAgent } from "../../src/agents/agent.ts";
import { claudeCode } from "../../src/agents/claude-code/claude-code.ts";
import { codex } from "../../src/agents/codex/codex.ts";
import { claudeLines } from "../support/claude-lines.ts";
import { codexLines, THREADS } from "../support/codex-lines.ts";
import { FollowedHome, looks } from "../support/followed-home.ts";
import type { Step } from "../support/followed-home.ts";
import { cuts, growing, interleave, turns } from "../support/interleaving.ts";
import { retouched } from "../support/lines.ts";
import { recordedIn, recordingsOf } from "../support/recordings.ts";
import { scaled } from "../support/scale.ts";

/** An agent, where its transcripts may lie, and lines that may stand in them. */
interface Subject {
  agent: LinesAgent;
  lines: fc.Arbitrary<Buffer>;
  /** For each file, two places between which it is moved. */
  places: readonly (readonly [string, string])[];
  /** Whether the agent compresses what it has written. */
  compresses: boolean;
}

const [FIRST, SECOND, THIRD] = THREADS;

const SUBJECTS: readonly Subject[] = [
  {
    agent: claudeCode,
    lines: claudeLines,
    places: [
      "session-1.jsonl",
      "session-1/subagents/agent-1.jsonl",
      "session-1/subagents/workflows/wf_1/agent-2.jsonl",
      "session-2.jsonl",
      // Beside the sessions, as older versions wrote them.
      "agent-3.jsonl",
    ].map((name) => [`.claude/projects/-home-one/${name}`, `.claude/projects/-home-two/${name}`]),
    compresses: false,
  },
  {
    agent: codex,
    lines: codexLines,
    places: [`${FIRST}`, `${FIRST}_2`, `${FIRST}_10`, `${SECOND}`, `${THIRD}_1`]
      .map((name) => `rollout-2026-01-01T00-00-00-${name}.jsonl`)
      .map((name) => [`.codex/sessions/2026/01/01/${name}`, `.codex/archived_sessions/${name}`]),
    compresses: true,
  },
];

for (const { agent, lines, places, compresses } of SUBJECTS)
  describe(`the sync of ${agent.name}, after each piece of its transcripts,`, () => {
    const recordings = recordingsOf(agent);
    const place = fc.constantFrom(...places);
    const anyForm = fc
      .tuple(place, fc.boolean())
      .map(([[path], isCompressed]) => (isCompressed && compresses ? `${path}.zst` : path));

    test("ends equal to one full import, in whatever order they are written, moved and compressed", async () => {
      const writing = fc.tuple(
        fc.array(lines, { maxLength: 25, size: "max" }),
        cuts,
        fc.boolean(),
        fc.boolean(),
      );
      const all = fc.tuple(...places.map(() => fc.option(writing)));
      await fc.assert(
        fc.asyncProperty(all, turns, async (all, turns) => {
          await using home = new FollowedHome(agent);
          const writers = all.map((writing, index) => {
            const [path, other] = places[index] ?? [];
            if (writing === null || path === undefined || other === undefined) return [];
            const [lines, cuts, isMoved, isCompressed] = writing;
            const steps = growing(path, Buffer.concat(lines), cuts);
            if (isCompressed && compresses) steps.push(compressing(path));
            else if (isMoved) steps.push(moving(path, other));
            return steps;
          });
          await interleave(home, writers, turns);
          await home.expectLikeFullImport();
        }),
        { numRuns: scaled(35, 12) },
      );
    });

    test("ends equal to one full import of real recordings", async () => {
      const some = fc.array(fc.tuple(recordedIn(recordings), cuts), { minLength: 1, maxLength: 3 });
      await fc.assert(
        fc.asyncProperty(some, turns, async (some, turns) => {
          await using home = new FollowedHome(agent);
          const chosen = new Map(some.map(([recording, cuts]) => [recording.id, { recording, cuts }]));
          const writers = [...chosen.values()].flatMap(({ recording, cuts }) =>
            recording.files.map(({ path, bytes, place }) =>
              growing(path, bytes, place.compression === null ? cuts : []),
            ),
          );
          await interleave(home, writers, turns);
          await home.expectLikeFullImport();
        }),
        { numRuns: scaled(15, 6) },
      );
    });

    test("ends equal to one full import, whatever is done to them", async () => {
      const change: fc.Arbitrary<Step> = fc.oneof(
        { weight: 5, arbitrary: fc.tuple(place, lines).map(([[path], line]) => appending(path, line)) },
        { weight: 2, arbitrary: fc.tuple(place, lines).map(([[, path], line]) => appending(path, line)) },
        fc
          .tuple(place, fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean())
          .map(([[path], part, isReplaced]) => shrinking(path, part, isReplaced)),
        fc
          .tuple(place, fc.oneof(lines, fc.constant(Buffer.of())), fc.boolean())
          .map(([[path], line, isReplaced]) => rewriting(path, line, isReplaced)),
        fc.tuple(place, lines).map(([[path], line]) => replacing(path, line)),
        place.map(([path, other]) => moving(path, other)),
        place.map(([path, other]) => moving(other, path)),
        place.map(([path, other]) => copying(path, other)),
        anyForm.map((path) => removing(path)),
        anyForm.map((path) => touching(path)),
        place.map(([path]) => (compresses ? compressing(path) : touching(path))),
      );
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(change, looks), { maxLength: 30, size: "max" }),
          async (changes) => {
            await using home = new FollowedHome(agent);
            for (const [change, look] of changes) await home.look(change(home), look);
            await home.expectLikeFullImport();
          },
        ),
        { numRuns: scaled(50, 18) },
      );
    });
  });

function appending(path: string, line: Buffer): Step {
  return named(`append to ${path}: ${JSON.stringify(line.toString())}`, (home) => {
    home.append(path, line);
    return path;
  });
}

function shrinking(path: string, part: number, isReplaced: boolean): Step {
  return named(`shrink ${path} to ${part}${isReplaced ? " by rename" : ""}`, (home) => {
    if (!home.has(path)) return path;
    const bytes = home.read(path);
    const rest = bytes.subarray(0, Math.floor(part * bytes.length));
    if (isReplaced) home.replace(path, rest);
    else home.write(path, rest);
    return path;
  });
}

/** Every record becomes another one; without a further line, the size stays. */
function rewriting(path: string, line: Buffer, isReplaced: boolean): Step {
  return named(
    `rewrite ${path}${isReplaced ? " by rename" : ""}, and ${JSON.stringify(line.toString())}`,
    (home) => {
      if (!home.has(path)) return path;
      const bytes = Buffer.concat([retouched(home.read(path)), line]);
      if (isReplaced) home.replace(path, bytes);
      else home.write(path, bytes);
      return path;
    },
  );
}

/** Careful writers append so: the beginning is the same, the file another one. */
function replacing(path: string, line: Buffer): Step {
  return named(`replace ${path} with more: ${JSON.stringify(line.toString())}`, (home) => {
    home.replace(path, Buffer.concat([home.has(path) ? home.read(path) : Buffer.of(), line]));
    return path;
  });
}

function moving(from: string, to: string): Step {
  return named(`move ${from} to ${to}`, (home) => {
    if (home.has(from)) home.move(from, to);
    return to;
  });
}

function copying(from: string, to: string): Step {
  return named(`copy ${from} to ${to}`, (home) => {
    if (home.has(from)) home.write(to, home.read(from));
    return to;
  });
}

function removing(path: string): Step {
  return named(`remove ${path}`, (home) => {
    if (home.has(path)) home.remove(path);
    return path;
  });
}

function touching(path: string): Step {
  return named(`touch ${path}`, (home) => {
    if (home.has(path)) home.touch(path);
    return path;
  });
}

/** The plain file goes when the other one is whole. */
function compressing(path: string): Step {
  return named(`compress ${path}`, (home) => {
    if (!home.has(path)) return path;
    home.replace(`${path}.zst`, zstdCompressSync(home.read(path)));
    home.remove(path);
    return `${path}.zst`;
  });
}

/** So that a counterexample can be read. */
function named(text: string, step: Step): Step {
  return Object.assign(step, { [fc.toStringMethod]: () => text });
}
