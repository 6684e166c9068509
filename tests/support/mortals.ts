/** Processes that are killed with SIGKILL at random moments and followed by others, until there were enough deaths. */

import { statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "bun:test";
import type { Dice } from "./dice.ts";
import { BINARY, Program, seen } from "./program.ts";

/** How long (ms) a sign is waited for. */
const OPERATION_MS = 300;
/** What Bun calls the end by SIGKILL. */
const KILLED = 137;
/** All that a process may say on standard error. */
const NO_COMPLAINT = /^watch: (listening on \S+|warning: skipped \d+ malformed lines? in .+)$/;

export interface Mortal {
  /** Its arguments; asked for anew at each start. */
  args: () => string[];
  /** Whether it may end by itself. */
  ends: boolean;
  /** Longest wait (ms) from a sign to the kill. */
  delayMs: number;
  deaths: number;
}

export interface KillOptions {
  env: Record<string, string>;
  archive: string;
  dice: Dice;
  /** Enough, whatever is left to die. */
  signal: AbortSignal;
}

/**
 * Runs one process after the other. Each is killed a moment after a sign of life: its start, its first output, or the
 * next write to the archive's log once it is at work.
 *
 * @throws when one of them ends by itself that should not, fails, or complains.
 */
export async function kill(mortal: Mortal, options: KillOptions): Promise<void> {
  const { env, archive, dice, signal } = options;
  for (let deaths = 0; deaths < mortal.deaths && !signal.aborted;) {
    const args = mortal.args();
    await using program = new Program(BINARY, args, env);
    const sign = dice.pick(["start", "output", "write"]);
    // What ends by itself says nothing before that.
    const hasOutput = (): boolean => mortal.ends || program.stdout + program.stderr !== "";
    const appearing = async (): Promise<void> => {
      if (sign !== "start") await seen(hasOutput, OPERATION_MS);
      const before = writtenAt(`${archive}-wal`);
      if (sign === "write") await seen(() => writtenAt(`${archive}-wal`) !== before, OPERATION_MS);
      await sleep(dice.below(mortal.delayMs + 1));
    };
    await Promise.race([program.ended, appearing()]);
    program.kill("SIGKILL");
    const code = await program.ended;
    if (code === KILLED) deaths += 1;
    else
      expect({ args, code, stderr: program.stderr }).toEqual({
        args,
        code: mortal.ends ? 0 : KILLED,
        stderr: expect.anything(),
      });
    expectNoComplaint(program, args);
  }
}

export function expectNoComplaint(program: Program, args: string[]): void {
  const complaints = program.stderr.split("\n").filter((line) => line !== "" && !NO_COMPLAINT.test(line));
  expect({ args, complaints }).toEqual({ args, complaints: [] });
}

/** @returns what changes with each write to the file; empty if there is none. */
export function writtenAt(path: string): string {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? "" : `${stats.size}:${stats.mtimeNs}`;
}
