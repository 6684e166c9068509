/** `watch list`: prints the sessions of an archive, newest first. */

import process from "node:process";
import { Option } from "commander";
import type { Command } from "commander";
import type { ArchiveOptions } from "../../app/wiring.ts";
import { systemClock } from "../../runtime/clock.ts";
import { EXIT } from "../exit.ts";
import type { Done } from "../exit.ts";
import { parseWhole } from "../input/arguments.ts";
import { filterOf } from "../input/follow-target.ts";
import type { FilterFlags } from "../input/follow-target.ts";
import { openLog } from "../output/log.ts";
import type { LogFlags } from "../output/log.ts";
import { writeLine } from "../output/output.ts";
import { ProblemLog } from "../output/problem-log.ts";
import { openProgressBar } from "../output/progress-bar.ts";
import { sessionLines } from "../output/session-lines.ts";

interface ListFlags extends ArchiveOptions, FilterFlags, LogFlags {
  format: "text" | "json";
  limit: number;
}

export function addList(program: Command, done: Done): void {
  program
    .command("list")
    .description("list sessions, newest first")
    .addOption(
      new Option("--format <format>", "lines for people, or one JSON object")
        .choices(["text", "json"])
        .default("text"),
    )
    .option("--project <name>", "only sessions of this project")
    .option("--agent <name>", "only sessions of this agent")
    .option("--machine <name>", "only sessions of this machine")
    .option("--limit <n>", "maximum number of sessions", parseWhole(1, 1_000_000), 100)
    .action(async (_options, command: Command) => done(await list(command.optsWithGlobals<ListFlags>())));
}

/** @returns the exit code. @throws WatchError, PipeClosed. */
async function list(flags: ListFlags): Promise<number> {
  const problems = new ProblemLog(await openLog(flags), systemClock);
  const { listSessions } = await import("../../app/list-sessions.ts");
  const query = { limit: flags.limit, ...filterOf(flags) };
  const display = await openProgressBar(process.stderr, systemClock);
  const { sessions, total } = await listSessions(query, flags, problems, display).finally(() =>
    problems.flush(),
  );
  const columns = process.stdout.isTTY ? process.stdout.columns : Infinity;
  if (flags.format === "json") await writeLine(JSON.stringify({ sessions, total }));
  else if (sessions.length > 0) await writeLine(sessionLines(sessions, columns).join("\n"));
  return EXIT.done;
}
