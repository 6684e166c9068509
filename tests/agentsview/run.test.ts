import { afterEach, beforeEach, expect, test } from "bun:test";
import { run } from "../../src/agentsview/run.ts";
import type { Ended, RunOptions } from "../../src/agentsview/run.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { FakeClock } from "../support/clock.ts";
import { Workspace } from "../support/workspace.ts";

let workspace: Workspace;
let clock: FakeClock;

beforeEach(() => {
  workspace = new Workspace();
  clock = new FakeClock();
});
afterEach(() => workspace[Symbol.dispose]());

function shell(script: string, options: Partial<RunOptions> = {}): Promise<Ended> {
  const { signal } = new AbortController();
  const { env, folder: cwd } = workspace;
  return run("/bin/sh", ["-c", script], { env, cwd, clock, deadlineMs: 1000, signal, ...options });
}

test("run() says how it ended and what it wrote, and leaves no timer", async () => {
  const ended = await shell("pwd; echo $WHO >&2; exit 3", { env: { ...workspace.env, WHO: "me" } });
  expect(ended).toEqual({ exitCode: 3, isLate: false, stdout: `${workspace.folder}\n`, stderr: "me\n" });
  expect(clock.pending).toBe(0);
});

test("run() keeps the beginning of a long output, and reads all of it", async () => {
  const { exitCode, stdout } = await shell("head -c 10000000 /dev/zero | tr '\\0' x");
  expect([exitCode, stdout.length]).toEqual([0, 65_536]);
});

test("run() kills what takes longer than its deadline", async () => {
  const running = shell("sleep 600");
  await clock.advance(999);
  expect(await Promise.race([running, "it runs"])).toBe("it runs");
  await clock.advance(1);
  expect(await running).toMatchObject({ exitCode: null, isLate: true });
});

test("run() does not wait for what a program leaves running with its output open", async () => {
  const ended = await shell("echo done; sleep 600 & echo $! >&2", { clock: systemClock });
  expect(ended).toMatchObject({ exitCode: 0, isLate: false, stdout: "done\n" });
  process.kill(Number(ended.stderr));
});

test("run() rejects with what the system says if it cannot be started, and leaves no timer", async () => {
  const { signal } = new AbortController();
  const { env, folder: cwd } = workspace;
  const options = { env, cwd, clock, deadlineMs: 1000, signal };
  await expect(run(workspace.path("nothing"), [], options)).rejects.toThrow("ENOENT");
  expect(clock.pending).toBe(0);
});
