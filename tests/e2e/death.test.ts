/** Several processes on one archive, and `kill -9` at any moment of any of them. */

import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { expectIntegrity, expectNoFaults, expectSameImage, imageOf } from "../support/archive-image.ts";
import { ClaudeTranscript } from "../support/claude.ts";
import { Dice } from "../support/dice.ts";
import { expectNoComplaint, kill, writtenAt } from "../support/mortals.ts";
import { BINARY, Program, seen } from "../support/program.ts";
import { scaled } from "../support/scale.ts";
import { makeSchema1, takeLostSession } from "../support/schema-1.ts";
import { Scribe } from "../support/scribe.ts";
import type { Writing } from "../support/scribe.ts";
import { Workspace } from "../support/workspace.ts";

const MB = 1024 * 1024;
/** SESSIONWATCH_TEST_SEED throws the dice of a failure again; the processes' own timing cannot be had again. */
const SEED = Number(process.env["SESSIONWATCH_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const DEATHS = scaled(200, 90);
/** How long (ms) a survivor may take to tell the last update. */
const OPERATION_MS = 10_000;

let workspace: Workspace;

beforeEach(() => {
  workspace = new Workspace();
});
afterEach(() => workspace[Symbol.dispose]());

seeded(
  `${DEATHS} deaths of serve, follow and sync on one archive leave it equal to a full import`,
  async (dice) => {
    const place = placeIn("data");
    const scribe = new Scribe(workspace, dice, 3 * MB);
    const [steady] = scribe.writings;
    await run(place, "sync");
    const kinds = [
      { args: () => ["serve", "--port", "0", "--max-streams", "1"], ends: false, delayMs: 30 },
      { args: () => [dice.pick(scribe.writings).id, "--initial"], ends: false, delayMs: 30 },
      { args: () => ["sync"], ends: true, delayMs: 150 },
    ];
    const survivors = [[], ["--no-sync"]].map((flags) => start(place, steady.id, "--initial", ...flags));
    const over = new AbortController();
    const { signal } = over;
    const running: Promise<void>[] = [];
    try {
      for (const survivor of survivors) await survivor.line();
      scribe.start();
      for (const [index, kind] of [...kinds, ...kinds].entries()) {
        const mortal = { ...kind, deaths: Math.floor((DEATHS + 5 - index) / 6) };
        running.push(kill(mortal, { ...place, dice: new Dice(SEED + index), signal }));
      }
      const dying = Promise.all(running);
      const watching = watchCounts(place, scribe.writings, new Dice(SEED - 1), signal);
      running.push(watching);
      await Promise.race([dying, watching]);
      over.abort();
      await watching;
      await scribe.stop();

      await run(place, "sync");
      await expectLikeFullImport(place);
      const version = await versionOf(place, steady.id);
      for (const survivor of survivors) {
        await seen(() => updatesOf(survivor).at(-1)?.["version"] === version, OPERATION_MS);
        expectSurvived(survivor, version);
      }
    } finally {
      over.abort();
      await Promise.allSettled([...running, scribe.stop()]);
      for (const survivor of survivors) await survivor[Symbol.asyncDispose]();
    }
  },
);

seeded("an archive whose creators were killed is used by the next process", async (dice) => {
  new ClaudeTranscript(workspace.claude, "one").user("hello");
  for (let round = 0; round < scaled(20, 8); round += 1) {
    const place = placeIn(`data-${round}`);
    const creators = COMMANDS.map((args) => start(place, ...args));
    // Creating leaves these traces one after the other.
    const trace = place.archive + dice.pick(["", "-journal", "-wal"]);
    await seen(() => existsSync(trace), 300);
    await sleep(dice.below(6));
    for (const creator of creators) await creator[Symbol.asyncDispose]();
    await run(place, ...dice.pick(NEXT_COMMANDS));
    await run(place, "sync");
    await expectLikeFullImport(place);
  }
});

test("an archive whose creator was killed before it wrote anything is no obstacle to one who only reads", async () => {
  const place = placeIn("data");
  mkdirSync(dirname(place.archive));
  writeFileSync(place.archive, "");
  await run(place, "list", "--no-sync");
});

seeded("an archive of schema 1 is migrated, also when that is killed, and read anew", async (dice) => {
  // Never started: the transcripts stay as they are.
  void new Scribe(workspace, dice, MB / 2);
  const today = placeIn("today");
  await run(today, "sync");
  for (let round = 0; round < scaled(12, 6); round += 1) {
    const place = placeIn(`data-${round}`);
    mkdirSync(dirname(place.archive));
    makeSchema1(place.archive, today.archive);
    // The first round has no deaths.
    const migrators = round === 0 ? [] : COMMANDS.map((args) => start(place, ...args));
    await seen(() => round === 0 || writtenAt(`${place.archive}-wal`) !== "", 300);
    await sleep(dice.below(8));
    for (const migrator of migrators) await migrator[Symbol.asyncDispose]();
    await run(place, ...dice.pick(NEXT_COMMANDS));
    await run(place, "sync");
    expect([round, takeLostSession(place.archive)]).toEqual([round, ["remember me"]]);
    await expectLikeFullImport(place);
  }
});

seeded("an import of 20 MB that is killed leaves no part of it behind, and no lock", async (dice) => {
  const place = placeIn("data");
  // Never started: the transcripts stay as they are.
  const scribe = new Scribe(workspace, dice, 20 * MB);
  const large = scribe.writings.find(({ id }) => id === "large");
  await run(place, "list", "--no-sync");
  for (let round = 0; round < 6; round += 1) {
    await using importer = start(place, "sync", large?.path ?? "");
    await seen(() => writtenAt(`${place.archive}-wal`) !== "", 1000);
    await sleep(dice.below(150));
    importer.kill("SIGKILL");
    await importer.ended;
    expect([round, importer.stdout, expectNoFaults(place.archive).has("large")]).toEqual([round, "", false]);
    // Were there a lock, this one would wait for it in vain.
    await run(place, scribe.writings[0].id, "--initial", "--count", "1");
  }
  await run(place, "sync");
  await expectLikeFullImport(place);
});

/** Of each kind one. */
const COMMANDS = [["sync"], ["list"], ["serve", "--port", "0"]];
const NEXT_COMMANDS = [["list"], ["list", "--no-sync"], ["sync"]];

/** An archive of its own for the transcripts of the workspace. */
interface Place {
  archive: string;
  env: Record<string, string>;
}

function placeIn(folder: string): Place {
  const data = workspace.path(folder);
  return { archive: join(data, "sessions.db"), env: { ...workspace.env, SESSIONWATCH_DATA_DIR: data } };
}

function start(place: Place, ...args: string[]): Program {
  return new Program(BINARY, args, place.env);
}

/** Runs a command to its end, which has to be a good one. @returns what it has said. */
async function run(place: Place, ...args: string[]): Promise<string> {
  await using program = start(place, ...args);
  expect({ args, code: await program.exit(), stderr: program.stderr }).toMatchObject({ args, code: 0 });
  expectNoComplaint(program, args);
  return program.stdout;
}

/** Checks at random moments what must always hold, until the signal. */
async function watchCounts(
  place: Place,
  writings: readonly Writing[],
  dice: Dice,
  signal: AbortSignal,
): Promise<void> {
  const before = new Map<string, number>();
  const losses = new Map<string, number>();
  while (!signal.aborted) {
    for (const [id, count] of expectNoFaults(place.archive)) {
      if (count < (before.get(id) ?? 0)) losses.set(id, (losses.get(id) ?? 0) + 1);
      before.set(id, count);
    }
    // Only what was cut may lose messages, and only once for each cut.
    for (const { id, cuts } of writings)
      expect({ id, cuts, losses: Math.max((losses.get(id) ?? 0) - cuts, 0) }).toEqual({
        id,
        cuts,
        losses: 0,
      });
    await sleep(dice.below(60));
  }
}

/** Every column of every row, the offset and the parser's state included; and nothing else is in the folder. */
async function expectLikeFullImport({ archive, env }: Place): Promise<void> {
  const full = placeIn(`full-${crypto.randomUUID()}`);
  await run(full, "sync");
  expectNoFaults(archive);
  expectIntegrity(archive);
  expectSameImage(imageOf(archive), imageOf(full.archive));
  const name = basename(archive);
  const own = new Set([name, `${name}-wal`, `${name}-shm`]);
  expect(readdirSync(env["SESSIONWATCH_DATA_DIR"] ?? "").filter((file) => !own.has(file))).toEqual([]);
}

async function versionOf(place: Place, id: string): Promise<unknown> {
  const list = JSON.parse(await run(place, "list", "--no-sync", "--format", "json")) as { sessions: Json[] };
  return list.sessions.find((session) => session["id"] === id)?.["version"];
}

type Json = Record<string, unknown>;

function updatesOf(survivor: Program): Json[] {
  const lines = survivor.stdout.split("\n").slice(0, -1);
  const events = lines.map((line) => JSON.parse(line) as Json);
  return events.filter(({ event }) => event !== "heartbeat");
}

/** It has told the last version, nothing but updates before, and of no message that was gone later. */
function expectSurvived(survivor: Program, version: unknown): void {
  const updates = updatesOf(survivor);
  const { pid } = survivor;
  expect({ pid, ...updates.at(-1) }).toMatchObject({ pid, version });
  expect(updates.filter(({ event }) => event !== "session_updated")).toEqual([]);
  const counts = updates.map((update) => Number(update["message_count"]));
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  expectNoComplaint(survivor, [`follower ${pid}`]);
}

function seeded(name: string, body: (dice: Dice) => Promise<void>): void {
  test(
    name,
    async () => {
      try {
        await body(new Dice(SEED));
      } catch (error) {
        console.error(`SESSIONWATCH_TEST_SEED=${SEED}`);
        throw error;
      }
    },
    120_000,
  );
}
