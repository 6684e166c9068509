/** How long a start takes: of the bare program, and until a session is followed. */

import { Program } from "../tests/support/program.ts";
import { Workspace } from "../tests/support/workspace.ts";
import { makeOurs } from "./support/archives.ts";
import { nowMs, randomPause } from "./support/clock.ts";
import type { Figure, Setting } from "./support/figures.ts";

const STARTS = 300;
const WARM_UP = 10;
const SESSIONS = 100;

export async function start({ binary }: Setting): Promise<Figure[]> {
  using workspace = new Workspace();
  const { env } = workspace;
  const [transcript] = await makeOurs(workspace, binary, SESSIONS);
  const id = transcript?.id ?? "";
  return [
    {
      what: "an empty process (`true`), for comparison",
      samplesMs: await repeat(() => untilExit(["true"], env)),
    },
    {
      what: "`watch --version` → its end",
      samplesMs: await repeat(() => untilExit([binary, "--version"], env)),
      aim: { medianMs: 15 },
    },
    {
      what: "`watch <id> --initial` → its first line: subscribed",
      samplesMs: await repeat(() => untilFirstLine([binary], [id, "--initial"], env)),
      aim: { medianMs: 60 },
    },
  ];
}

async function repeat(measure: () => Promise<number>): Promise<number[]> {
  const samplesMs: number[] = [];
  for (let run = 0; run < STARTS + WARM_UP; run += 1) {
    samplesMs.push(await measure());
    await randomPause(0, 5);
  }
  return samplesMs.slice(WARM_UP);
}

async function untilExit(command: string[], env: Record<string, string>): Promise<number> {
  const startedMs = nowMs();
  const exitCode = await Bun.spawn(command, { env, stdin: "ignore", stdout: "ignore" }).exited;
  const tookMs = nowMs() - startedMs;
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: exit code ${exitCode}`);
  return tookMs;
}

async function untilFirstLine(
  command: string[],
  args: string[],
  env: Record<string, string>,
): Promise<number> {
  const startedMs = nowMs();
  await using program = new Program({ name: "bench", command }, args, env);
  await program.line();
  return nowMs() - startedMs;
}
